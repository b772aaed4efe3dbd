"""A short soak; `make soak` runs the long one."""

from __future__ import annotations

from pathlib import Path

from soak.kills import Soak

KILLS = 300


async def test_kills_at_random_moments_lose_duplicate_and_leave_nothing(tmp_path: Path) -> None:
    """H1, H3, H8; invariants 6 and 8."""
    toll = await Soak(tmp_path, KILLS, seed=1, say=print).run()
    print(toll)
    assert toll.wrong == []
    assert toll.kills == KILLS
    assert toll.answered > toll.calls / 4

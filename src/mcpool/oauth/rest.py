"""How long an issuer that could not answer is left alone. A plain value."""

from __future__ import annotations

from dataclasses import dataclass

MOST = 60.0
"""Seconds; and of what an issuer asks for itself, this many at most."""
_STEPS = 7


@dataclass(frozen=True, slots=True)
class Rest:
    """What came of asking it the last times. After the first failure it may be asked again at once."""

    failures: int = 0
    until: float = 0.0
    """Not before this time."""
    why: str = ""

    def after(self, now: float, why: str, wished: float | None) -> Rest:
        """It failed once more; `wished` is how many seconds it wants to be left alone."""
        pause = 0.0 if not self.failures else 2.0 ** min(self.failures - 1, _STEPS)
        return Rest(self.failures + 1, now + min(MOST, max(pause, wished or 0.0)), why)

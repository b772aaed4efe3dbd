"""Which servers lost what their processes had in memory since a thread last looked."""

from __future__ import annotations

from mcpool.backend.backend import Backend
from mcpool.pool.pool import Pool
from mcpool.runtime.runtime import Runtime


class LostState:
    """Tells one thread of each loss once."""

    __slots__ = ("_lives", "_pool", "_runtime", "_seen")

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._lives = -1
        self._runtime: Runtime | None = None
        self._seen: dict[str, tuple[Backend, int]] = {}

    def since_last_time(self, runtime: Runtime) -> tuple[str, ...]:
        """The servers of this runtime whose process, which the thread could use last time, is gone."""
        if self._lives == self._pool.lives and self._runtime is runtime:
            return ()
        self._lives, self._runtime = self._pool.lives, runtime
        before = self._seen
        self._seen = {
            name: (binding.lease.backend, binding.lease.backend.lives) for name, binding in runtime.bindings.items()
        }
        return tuple(name for name in self._seen if name in before and _lost(*before[name], *self._seen[name]))

    @property
    def at_stake(self) -> list[str]:
        """The servers that had a process since then, which the thread may have left something in."""
        return [
            name
            for name, (backend, lives) in self._seen.items()
            if backend.current is not None or backend.lives > lives
        ]


def _lost(before: Backend, lives_before: int, now: Backend, lives_now: int) -> bool:
    if now is before:
        return lives_now > lives_before
    # Another one took its place: lost is what it had, if it ever ran.
    return before.lives > lives_before or before.current is not None

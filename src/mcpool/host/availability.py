"""What the coming and going of executors means for the threads of a host."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from mcpool.config.server import LOCAL, ServerConfig
from mcpool.environments.registry import Environments
from mcpool.world.surroundings import EnvironmentFacts


class Availability:
    """Has threads look again when an executor came or went. One whose socket is just being replaced is there."""

    def __init__(self, environments: Environments, invalidate: Callable[[], None]) -> None:
        self._environments = environments
        self._invalidate = invalidate
        self._known = environments.handles()

    def changed(self, id: str) -> None:
        """Something changed with an environment (`environments.registry.OnChange`)."""
        now = self._environments.handles()
        if now != self._known:
            self._known = now
            self._invalidate()


def environment_facts(environments: Environments) -> Mapping[str, EnvironmentFacts] | None:
    """What there is to tell of executors; nothing where there never was one."""
    if not environments.used:
        return None
    return {one.id: EnvironmentFacts(one.status, one.cwd, one.shell) for one in environments.all()}


def why_off(server: ServerConfig, environments: Environments) -> str | None:
    """Why a server can't run where it is placed; None: it can, as far as that is concerned."""
    if server.environment_id == LOCAL or server.environment_id in environments.handles():
        return None
    status = environments.status(server.environment_id)
    if status.status == "unknown":
        return f"there is no environment `{status.id}`; `mcpool env add {status.id} URL` adds it"
    return f"its environment `{status.id}` is {status.status}" + (f": {status.error}" if status.error else "")

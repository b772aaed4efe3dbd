"""What the coming and going of executors means for the threads of a host."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from mcpool.config.server import LOCAL, ServerConfig
from mcpool.environments.registry import Environments
from mcpool.plugins.root import CapabilityRoot
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


def environment_facts(
    environments: Environments, roots: Sequence[CapabilityRoot]
) -> Mapping[str, EnvironmentFacts] | None:
    """What there is to tell a thread with these roots of executors; nothing where it wants none and none ever was."""
    wanted = {root.environment for root in roots} - {LOCAL}
    if not environments.used and not wanted:
        return None
    known = environments.all()
    absent = [environments.status(id) for id in sorted(wanted.difference(one.id for one in known))]
    return {one.id: EnvironmentFacts(one.status, one.cwd, one.shell) for one in (*known, *absent)}


def why_off(server: ServerConfig, environments: Environments) -> str | None:
    """Why a server can't run where it is placed; None: it can, as far as that is concerned."""
    if server.environment_id == LOCAL or server.environment_id in environments.handles():
        return None
    status = environments.status(server.environment_id)
    if status.status == "unknown":
        return f"there is no environment `{status.id}`; `mcpool env add {status.id} URL` adds it"
    return f"its environment `{status.id}` is {status.status}" + (f": {status.error}" if status.error else "")

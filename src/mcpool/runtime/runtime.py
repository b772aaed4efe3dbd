"""An immutable snapshot of what one thread can call: projection, leases, views and policy. A step pins it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from mcpool.backend.tools import Catalogue
from mcpool.config.server import ServerConfig
from mcpool.pool.lease import Lease
from mcpool.runtime.policy import Policy
from mcpool.runtime.projected import Projected
from mcpool.runtime.tool_sets import Shown, ToolSets
from mcpool.runtime.view import View


@dataclass(frozen=True, slots=True)
class Binding:
    """One server of a runtime."""

    config: ServerConfig
    view: View
    lease: Lease
    chosen: bool = False
    """It was chosen for this very thread: the first step that shows it waits until it runs, or has failed."""


class Runtime:
    """The servers of one thread at one moment, by name. It never changes; it is replaced.

    It lives as long as it is current or something pins it, a step or a request; then its leases go.
    """

    __slots__ = (
        *("__weakref__", "_current", "_seen", "_shown"),
        *("bindings", "pins", "policy", "projected", "revision", "unavailable"),
    )

    def __init__(
        self,
        revision: int,
        projected: Projected,
        bindings: Mapping[str, Binding],
        unavailable: Mapping[str, str],
        policy: Policy,
    ) -> None:
        self.revision = revision
        self.projected = projected
        self.policy = policy
        self.bindings = bindings
        self.unavailable = unavailable
        """Why a server that is enabled could not be leased at all."""
        self.pins = 0
        """How many steps and requests hold it."""
        self._current = True
        self._seen: Mapping[str, Catalogue] = {}
        self._shown: Shown | None = None
        """The tools of the catalogues that were seen last."""

    def __repr__(self) -> str:
        state = "current" if self._current else "replaced" if self.pins else "released"
        return f"<Runtime {self.revision} [{len(self.bindings)} servers, {self.pins} pins, {state}]>"

    def same_as(self, other: Runtime) -> bool:
        """Whether the two are no different to whoever uses them. Leases on the same backend are the same."""
        return (self.projected, self.policy, self.unavailable) == (
            other.projected,
            other.policy,
            other.unavailable,
        ) and [(name, binding.config, binding.lease.backend) for name, binding in self.bindings.items()] == [
            (name, binding.config, binding.lease.backend) for name, binding in other.bindings.items()
        ]

    def shown(self, catalogues: Mapping[str, Catalogue], sets: ToolSets) -> Shown:
        """The tools of these catalogues as it sees them: the same object for as long as they are the same."""
        if self._shown is not None and _all_same(catalogues, self._seen):
            return self._shown
        pending = tuple(name for name in self.bindings if name not in catalogues)
        views = {name: (self.bindings[name].view, catalogue) for name, catalogue in catalogues.items()}
        self._seen, self._shown = catalogues, sets.of(views, pending)
        return self._shown

    def pin(self) -> None:
        """Hold it."""
        self.pins += 1

    def unpin(self) -> None:
        """Let it go."""
        self.pins -= 1
        self._release_if_unheld()

    def replace(self, successor: Runtime | None = None) -> None:
        """It is no longer the thread's current runtime, or never became it."""
        self._current = False
        if successor is not None:
            kept = {binding.lease.backend for binding in successor.bindings.values()}
            for binding in self.bindings.values():
                if binding.lease.backend not in kept:
                    binding.lease.outdate()
        self._release_if_unheld()

    def _release_if_unheld(self) -> None:
        if not self._current and not self.pins:
            for binding in self.bindings.values():
                binding.lease.release()


def _all_same(some: Mapping[str, Catalogue], others: Mapping[str, Catalogue]) -> bool:
    return len(some) == len(others) and all(others.get(name) is catalogue for name, catalogue in some.items())

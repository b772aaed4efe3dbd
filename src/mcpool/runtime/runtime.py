"""An immutable snapshot of what one thread can call: leases and views. A step pins it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from mcpool.config.server import ServerConfig
from mcpool.pool.lease import Lease
from mcpool.runtime.policy import Policy
from mcpool.runtime.view import View


@dataclass(frozen=True, slots=True)
class Binding:
    """One server of a runtime."""

    config: ServerConfig
    view: View
    lease: Lease


class Runtime:
    """The servers of one thread at one moment, by name. It never changes; it is replaced.

    It lives as long as it is current or a step pins it; then its leases go.
    """

    __slots__ = ("_current", "_pins", "bindings", "policy", "revision", "unavailable")

    def __init__(
        self,
        revision: int,
        bindings: Mapping[str, Binding],
        unavailable: Mapping[str, str],
        policy: Policy,
    ) -> None:
        self.revision = revision
        self.policy = policy
        self.bindings = bindings
        self.unavailable = unavailable
        """Why a server that is enabled could not be leased at all."""
        self._pins = 0
        self._current = True

    def __repr__(self) -> str:
        state = "current" if self._current else "replaced" if self._pins else "released"
        return f"<Runtime {self.revision} [{len(self.bindings)} servers, {self._pins} pins, {state}]>"

    def same_as(self, bindings: Mapping[str, Binding], unavailable: Mapping[str, str], policy: Policy) -> bool:
        """Whether a runtime of these would be no other than this one. Leases on the same backend are the same."""
        return (self.unavailable, self.policy) == (unavailable, policy) and [
            (name, binding.config, binding.lease.backend) for name, binding in self.bindings.items()
        ] == [(name, binding.config, binding.lease.backend) for name, binding in bindings.items()]

    def pin(self) -> None:
        """Hold it for a step."""
        self._pins += 1

    def unpin(self) -> None:
        """Let it go."""
        self._pins -= 1
        self._release_if_unheld()

    def replace(self) -> None:
        """It is no longer the thread's current runtime."""
        self._current = False
        self._release_if_unheld()

    def _release_if_unheld(self) -> None:
        if not self._current and not self._pins:
            for binding in self.bindings.values():
                binding.lease.release()

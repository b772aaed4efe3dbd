"""What a step needs of the thread that it belongs to."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from mcpool.backend.holder import Holder
from mcpool.backend.tools import Annotations
from mcpool.config.server import ApprovalMode


@dataclass(frozen=True, slots=True)
class ApprovalRequest:
    """A call that somebody must approve before it is sent. `arguments` is raw JSON."""

    server: str
    tool: str
    arguments: bytes = field(repr=False)
    annotations: Annotations


class User(Protocol):
    """The thread behind a step."""

    @property
    def default_mode(self) -> ApprovalMode:
        """The approval mode of tools for which the configuration names none."""
        ...

    @property
    def sandbox_state(self) -> bytes | None:
        """What servers that want to know the thread's sandbox are told with each call, as JSON."""
        ...

    async def approve(self, request: ApprovalRequest) -> bool:
        """Whether the call may run.

        Raises:
            ApprovalDenied: there is nobody to ask.
        """
        ...

    def seat(self, server: str) -> Holder:
        """The holder under which this thread leases the server."""
        ...

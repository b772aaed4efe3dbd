"""What a step needs of the thread that it belongs to."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from mcpool.backend.holder import Holder
from mcpool.backend.tools import Annotations
from mcpool.runtime.policy import Policy


@dataclass(frozen=True, slots=True)
class ApprovalRequest:
    """A call that somebody must approve before it is sent. `arguments` is raw JSON."""

    server: str
    tool: str
    arguments: bytes = field(repr=False)
    annotations: Annotations


class User(Protocol):
    """The thread behind a step."""

    async def approve(self, request: ApprovalRequest, policy: Policy) -> bool:
        """Whether the call may run, by the policy that it was prepared with and no other.

        Raises:
            ApprovalDenied: there is nobody to ask.
        """
        ...

    def seat(self, server: str) -> Holder:
        """The holder under which this thread leases the server."""
        ...

"""What a step needs of the thread that it belongs to."""

from __future__ import annotations

from typing import Protocol

from mcpool.backend.holder import CallSink, Holder
from mcpool.backend.tools import ToolDefinition
from mcpool.config.server import ServerConfig
from mcpool.runtime.policy import OnApprove


class Approver(Protocol):
    """Whoever can be asked on behalf of a thread, and what they said before."""

    def remembers(self, server: ServerConfig, tool: ToolDefinition) -> bool:
        """Whether calls of this tool, as it is defined now, were approved for the conversation."""
        ...

    async def ask(
        self,
        server: ServerConfig,
        tool: ToolDefinition,
        arguments: bytes,
        *,
        on_approve: OnApprove | None,
        sink: CallSink | None,
        rememberable: bool,
    ) -> None:
        """Return when the call is approved, by `on_approve` or, if that is None, by the user.

        Raises:
            ApprovalDenied: it was refused, nobody answered in time, or there is nobody to ask.
        """
        ...


class User(Protocol):
    """The thread behind a step."""

    @property
    def id(self) -> str:
        """Its name."""
        ...

    @property
    def approvals(self) -> Approver:
        """Who is asked about its calls."""
        ...

    def seat(self, server: str) -> Holder:
        """The holder under which this thread leases the server."""
        ...

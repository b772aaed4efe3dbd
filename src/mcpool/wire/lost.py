"""How a connection ended, and what that means for a call that was waiting."""

from __future__ import annotations

import signal


class ConnectionLost(Exception):
    """The connection ended before the answer came.

    `sent` is False only when the server provably never received the complete request, so that it cannot have run.
    `status` is as in `subprocess` where a process ended, else None. `reason` is a phrase that follows "it".
    """

    def __init__(self, server: str, reason: str, *, sent: bool, status: int | None = None) -> None:
        super().__init__(f"`{server}`: the connection was lost: it {reason}")
        self.server = server
        self.reason = reason
        self.sent = sent
        self.status = status


class LostDuringProbe(ConnectionLost):
    """It ended while `server/discover` was unanswered: perhaps a server that cannot bear an unknown method."""


def exit_reason(status: int | None) -> str:
    """What to say of an exit status."""
    if status is None:
        return "is gone"
    if status >= 0:
        return f"exited with status {status}"
    try:
        return f"was ended by {signal.Signals(-status).name}"
    except ValueError:
        return f"was ended by signal {-status}"

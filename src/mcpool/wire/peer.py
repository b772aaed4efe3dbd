"""Who hears what the server says of its own accord, and in which form."""

from __future__ import annotations

from typing import Protocol

from msgspec import Struct

from mcpool.wire.call import Call
from mcpool.wire.lost import ConnectionLost


class Inbound(Struct, frozen=True):
    """A request (`id` is its raw JSON) or notification (`id` is None) of the server."""

    id: bytes | None
    method: str
    params: bytes | None
    call: Call | None = None
    """The call that it belongs to, where the message itself says so."""


class Peer(Protocol):
    """Our side of the conversation. Called in wire order, and never to block or to await."""

    def on_request(self, inbound: Inbound) -> None:
        """A request that has to be answered by `Engine.respond` or `Engine.respond_error`, now or later."""
        ...

    def on_notification(self, inbound: Inbound) -> None: ...

    def on_closing(self, lost: ConnectionLost) -> None:
        """The connection is of no use for new requests, though those under way may still be answered. Perhaps never."""
        ...

    def on_gap(self) -> None:
        """What the server said of its own accord may have been missed up to now."""
        ...

    def on_settled(self) -> None:
        """A call of ours was cancelled, got its answer, a late one included, or can get none any more. For each one."""
        ...

    def on_lost(self, lost: ConnectionLost) -> None:
        """The connection has ended; all its calls are settled. Once."""
        ...

    def on_garbage(self, kind: str, sample: bytes) -> None:
        """The server wrote something that is no message. Told once for each kind; `sample` is its beginning."""
        ...

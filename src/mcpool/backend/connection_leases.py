"""One process that keeps state for each thread: the extension `codex/connection-lease`.

A server that declares it is told of a lease before the first request of a thread reaches it (`codex/connection/open`,
with a `leaseId`), reads it in the `_meta` of each (`codex/connectionLease`), and is told when the thread has left
(`codex/connection/release`). A lease is a random text that says nothing of its thread, and belongs to one connection:
after a restart there is another. What belongs to one conversation has one lease.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

import msgspec

from mcpool.backend.hearing import declares
from mcpool.errors import CallTimeout, ServerError, ServerUnavailable
from mcpool.wire.call import Call
from mcpool.wire.session import Session

EXTENSION: Final = "codex/connection-lease"
META_KEY: Final = "codex/connectionLease"
OPEN: Final = "codex/connection/open"
RELEASE: Final = "codex/connection/release"

PATIENCE = 30.0
"""Seconds for a server to take note of a lease."""


def wants_leases(capabilities: dict[str, object]) -> bool:
    """Whether a server declares the extension, in either of the places that revisions have for that."""
    return declares(capabilities, "extensions", EXTENSION) or declares(capabilities, "experimental", EXTENSION)


class _Lease(NamedTuple):
    id: bytes
    """As JSON."""
    opening: Call

    @property
    def is_settled(self) -> bool:
        """Whether the server has answered, or will not."""
        return self.opening.future.done()

    @property
    def is_open(self) -> bool:
        """Whether the server has taken note of it."""
        return self.is_settled and self.opening.future.exception() is None


class ConnectionLeases:
    """The leases of one connection, by conversation."""

    def __init__(self, session: Session, new_id: Callable[[], str]) -> None:
        self._session = session
        self._new_id = new_id
        self._leases: dict[str, _Lease] = {}

    async def of(self, conversation: str) -> Mapping[str, bytes]:
        """What goes into `_meta` for a conversation. The first who asks has the server told; others wait with them.

        Raises:
            ServerUnavailable: the server refuses to open a lease, or does not answer.
            ConnectionLost: it is gone.
        """
        lease = self._leases.get(conversation)
        if lease is None:
            id = msgspec.json.encode(self._new_id())
            lease = self._leases[conversation] = _Lease(id, self._tell(OPEN, id))
        if not lease.is_open:
            try:
                async with asyncio.timeout(PATIENCE):
                    await asyncio.shield(lease.opening.future)
            except TimeoutError:
                engine, why = self._session.engine, f"no answer within {PATIENCE:g} s"
                if not lease.is_settled:
                    lease.opening.future.set_exception(CallTimeout(engine.server, why))
                    engine.cancel(lease.opening, why)
                raise self._refused(conversation, lease, why) from None
            except ServerError as error:
                raise self._refused(conversation, lease, error.message) from None
        return {META_KEY: lease.id}

    def release(self, conversation: str) -> None:
        """The conversation has left."""
        lease = self._leases.pop(conversation, None)
        if lease is not None:
            lease.opening.future.add_done_callback(lambda _: self._tell(RELEASE, lease.id) if lease.is_open else None)

    def _tell(self, method: str, id: bytes) -> Call:
        call = self._session.call(method, {"leaseId": id})
        call.future.add_done_callback(_seen)
        return call

    def _refused(self, conversation: str, lease: _Lease, why: str) -> ServerUnavailable:
        if self._leases.get(conversation) is lease:
            del self._leases[conversation]
        what = f"it declares `{EXTENSION}` and opens no lease: {why}; nothing else was sent"
        return ServerUnavailable(self._session.engine.server, what)


def _seen(future: asyncio.Future[bytes]) -> None:
    future.exception()  # whoever waits for it is told; perhaps nobody does

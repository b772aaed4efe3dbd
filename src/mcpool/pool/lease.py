"""One holder's right to a backend."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, Protocol, Unpack

from mcpool.backend.holder import Holder
from mcpool.backend.requests import Details, Fields
from mcpool.catalog.identity import Identity
from mcpool.pool.entry import Entry
from mcpool.wire.paging import read_pages

Sender = Callable[..., Coroutine[Any, Any, bytes]]
"""`Requests.send`."""


class Releases(Protocol):
    """Takes leases back."""

    def released(self, entry: Entry, lease: Lease) -> None:
        """This lease is given back."""
        ...


class Lease:
    """One holder's right to a backend. The last one that is released lets the backend go idle and stop."""

    __slots__ = ("_entry", "_pool", "_released", "backend", "holder", "server")

    def __init__(self, pool: Releases, entry: Entry, holder: Holder, server: str) -> None:
        self._pool = pool
        self._entry = entry
        self._released = False
        self.backend = entry.backend
        self.holder = holder
        self.server = server
        """The name by which it was leased."""

    def __repr__(self) -> str:
        return f"<Lease of {self.holder.id} on {self.backend!r}{' (released)' if self._released else ''}>"

    @property
    def identity(self) -> Identity:
        """What the backend's connection depends on."""
        return self._entry.key.identity

    @property
    def retired(self) -> bool:
        """Whether the backend was replaced: it serves who holds it and takes no new leases."""
        return self._entry.retired

    def request(
        self, method: str, fields: Fields, *, timeout: float, **more: Unpack[Details]
    ) -> Coroutine[Any, Any, bytes]:
        """Send a request for the holder; the result is awaited, and raw. Arguments and errors: as `Requests.send`."""
        return self.sender(method, fields, holder=self.holder, timeout=timeout, **more)

    @property
    def sender(self) -> Sender:
        """What sends requests of holders now, each when it is its turn; `request` for those who count microseconds."""
        lanes = self._entry.lanes
        return lanes.request if lanes.strict else self.backend.request

    async def list_all(self, method: str, key: str, *, timeout: float) -> tuple[bytes, ...]:
        """The raw items of all pages of a list; `timeout` seconds for each page.

        Raises: as `request`, and BadAnswer if the list is malformed or has no end.
        """
        return await read_pages(
            self.backend.name, method, key, lambda fields: self.request(method, fields, timeout=timeout)
        )

    def dismiss(self) -> None:
        """Nobody is there any more to answer what the holder was asked, though requests of it may go on."""
        self._entry.lanes.dismiss(self.holder)

    def interrupt(self) -> None:
        """The turn in which the holder was asked something is over: that is answered as cancelled."""
        self._entry.lanes.interrupt(self.holder)

    def outdate(self) -> None:
        """What the holder is configured to use is no longer this. If nobody else wants it, it ends with its last lease
        and waits for nobody to come back."""
        self._entry.outdated = True

    def release(self) -> None:
        """Give it back. Safe to call twice."""
        if not self._released:
            self._released = True
            self._pool.released(self._entry, self)

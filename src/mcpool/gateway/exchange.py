"""One request of a client while it is being answered."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from typing import Protocol

from msgspec import Raw

from mcpool.gateway import names
from mcpool.gateway.failure import Failure, failure_of
from mcpool.gateway.input_round import carries_answers, without_marks
from mcpool.gateway.message import Key, notification_message
from mcpool.gateway.names import REQUEST_STATE
from mcpool.gateway.outbox import Kind
from mcpool.gateway.request_state import refused
from mcpool.gateway.upstream import Fields, Step
from mcpool.wire import params as wire_params
from mcpool.wire.revisions import (
    INPUT_REQUIRED_METHODS,
    INTERNAL_ERROR,
    INVALID_PARAMS,
    META_LOG_LEVEL,
    PROGRESS_TOKEN,
    RESOURCE_NOT_FOUND,
)

_log = logging.getLogger(__name__)


class Outlet(Protocol):
    """Where messages to a client go: the stream of one request, or one of the session."""

    @property
    def is_open(self) -> bool:
        """Whether a message put here has a chance to be read, now or when the client resumes."""
        ...

    def put(self, kind: Kind, message: bytes, subject: object = None) -> None:
        """Send a message, without waiting."""
        ...


class NoOutlet:
    """There is no stream."""

    @property
    def is_open(self) -> bool:
        return False

    def put(self, kind: Kind, message: bytes, subject: object = None) -> None:
        """Drop it."""


NOWHERE = NoOutlet()


class Exchange:
    """The request, and what becomes of it. It is the sink of the calls that are made on its behalf.

    Neither the client's id nor its progress token goes to a server; here they are put back.
    """

    __slots__ = (
        "_detached",
        "_heir",
        "cancelled",
        "fields",
        "headers",
        "id",
        "key",
        "meta",
        "method",
        "modern",
        "outlet",
        "server",
        "settled",
        "task",
        "token",
    )

    def __init__(
        self,
        id_: bytes,
        key: Key | object,
        method: str,
        fields: Fields,
        meta: Fields | None,
        token: Raw | None,
        outlet: Outlet,
        *,
        modern: bool,
    ) -> None:
        self.id = id_
        """The client's id, as it wrote it."""
        self.key = key
        self.method = method
        self.fields = fields
        """The params, one level decoded, without `_meta`."""
        self.meta = meta
        self.token = token
        """The client's progress token, as it wrote it."""
        self.outlet = outlet
        self.modern = modern
        """The client speaks 2026-07-28."""
        self.headers: Sequence[tuple[bytes, bytes]] | None = None
        """The HTTP headers that must say what the arguments say, where the transport has any."""
        self.server: str | None = None
        """The server that works on it, once that is known."""
        self.task: asyncio.Task[object] | None = None
        self.cancelled: str | None = None
        """Why the client does not want the answer any more."""
        self.settled = False
        self._detached = False
        self._heir: Exchange | None = None

    def on_notification(self, method: str, params: bytes | None) -> None:
        """Pass on what a server says of this request while it works on it and the client wants it."""
        if self._detached:
            if self._heir is not None:
                self._heir.on_notification(method, params)
            return
        if self.cancelled is not None:
            return
        if method == names.PROGRESS:
            if self.token is not None and params is not None:
                fields = wire_params.split(params)
                fields[PROGRESS_TOKEN] = self.token
                self.outlet.put(Kind.LATEST, notification_message(method, wire_params.join(fields)), self)
        elif method != names.LOG:
            self.outlet.put(Kind.OTHER, notification_message(method, params))
        elif not self.modern or (self.meta is not None and META_LOG_LEVEL in self.meta):
            # A 2026-07-28 client hears no log unless it asks for it with the request.
            self.outlet.put(Kind.LOG, notification_message(method, params))

    def attach(self, other: Exchange) -> None:
        """Let another request of the client hear what is said of this one from now on."""
        self._detached, self._heir = True, other

    def detach(self) -> None:
        """Nobody hears what is said of it, until another request is attached."""
        self._detached, self._heir = True, None

    async def relay(self, step: Step, server: str) -> bytes:
        """Have a server answer it; returns the raw result.

        Raises:
            Failure: it brings answers to a server that has no means to ask for them.
        """
        self.server = server
        retries = self.modern and self.method in INPUT_REQUIRED_METHODS and carries_answers(self.fields)
        if retries and (await step.facts(server)).discover is None:
            raise refused("not ours" if REQUEST_STATE in self.fields else "no state")
        result = await step.relay(
            server,
            self.method,
            self.fields,
            meta=self.meta,
            sink=self,
            progress=self.token is not None,
            answer_input=not self.modern,
        )
        return without_marks(result) if self.modern and self.method in INPUT_REQUIRED_METHODS else result

    def cancel(self, reason: str) -> None:
        """End the work on it: the server is told."""
        if self.cancelled is None and not self.settled:
            self.cancelled = reason
            if self.task is not None:
                self.task.cancel()


def told_of(error: Exception, exchange: Exchange) -> Failure:
    """What the client is told of an error, in the words of its revision. A defect of ours is logged."""
    failure = failure_of(error)
    if failure is None:
        _log.error("%s could not be answered", exchange.method, exc_info=error)
        return Failure(INTERNAL_ERROR, f"internal error while answering {exchange.method}; see the daemon's log")
    if exchange.modern and exchange.method == names.READ and failure.code == RESOURCE_NOT_FOUND:
        return Failure(INVALID_PARAMS, failure.message, failure.data)
    return failure

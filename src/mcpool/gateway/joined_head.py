"""The head of an answer and its body in one write: uvicorn writes each by itself, which costs a system call at both
ends."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

JOINED_MOST = 64 * 1024
"""Bytes of a body above which joining would cost more than it saves."""


class JoinedHead:
    """A transport that keeps back the head of an answer whose body is known to follow at once.

    `answering` gives what uvicorn answers now, its `RequestResponseCycle`.
    """

    def __init__(self, transport: asyncio.Transport, answering: Callable[[], Any]) -> None:
        self._transport = transport
        self._answering = answering
        self._begun: object = None
        self._head = b""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        """Write this, and what was kept back before it."""
        if self._head:
            head, self._head = self._head, b""
            if len(data) <= JOINED_MOST:
                data = head + data
            else:
                self._transport.write(head)
        elif self._is_head():
            self._head = data
            return
        self._transport.write(data)

    def _is_head(self) -> bool:
        answering = self._answering()
        if answering is self._begun or not answering.response_started:
            return False
        self._begun = answering
        # An answer without a length is a stream, whose first part may come much later.
        return answering.chunked_encoding is False and answering.scope["method"] != "HEAD"

    def close(self) -> None:
        """Write what was kept back, and close."""
        if self._head:
            self._transport.write(self._head)
            self._head = b""
        self._transport.close()

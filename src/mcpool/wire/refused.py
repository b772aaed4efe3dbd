"""A request that was answered by HTTP alone, and not by the server's JSON-RPC."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from mcpool.errors import RpcError


class HttpRefused(RpcError):
    """The endpoint answered with an HTTP status in place of a JSON-RPC message. The status says what may have run.

    A server cannot make its own errors look like this one. `retry_after` is in seconds, None if it does not say.
    """

    def __init__(
        self, server: str, code: int, reason: str, data: bytes | None = None, *, status: int, retry_after: float | None
    ) -> None:
        super().__init__(server, code, reason, data)
        self.status = status
        self.retry_after = retry_after

    @property
    def by_gateway(self) -> bool:
        """Whether it says that something on the way does not reach the server."""
        return self.status in (502, 504) or (self.status == 503 and self.retry_after is None)


def http_refused(server: str, error: Mapping[str, Any]) -> HttpRefused:
    """The same as a JSON-RPC error of the link's, with `httpStatus` and `retryAfter` in its data."""
    data: Mapping[str, Any] = error.get("data") or {}
    return HttpRefused(
        server,
        error["code"],
        error["message"],
        json.dumps(data).encode(),
        status=data.get("httpStatus", 0),
        retry_after=seconds(data.get("retryAfter")),
    )


def seconds(retry_after: object) -> float | None:
    """The value of a Retry-After header; None if it is absent, or a date."""
    try:
        value = float(retry_after) if isinstance(retry_after, str | int | float) else -1.0
    except ValueError:
        return None
    return value if 0.0 <= value < float("inf") else None

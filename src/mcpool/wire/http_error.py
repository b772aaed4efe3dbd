"""How a request over HTTP fails, read from what came in place of an answer. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal, cast

import httpx2
import msgspec

from mcpool.wire.http_signed import UNAUTHORIZED

UNSENT = (
    httpx2.ConnectError,
    httpx2.ConnectTimeout,
    httpx2.PoolTimeout,
    httpx2.ProxyError,
    httpx2.UnsupportedProtocol,
    httpx2.LocalProtocolError,
)
"""What happens before a request is on its way to the server."""

SESSION = "mcp-session-id"

_PLAIN: dict[type[OSError], str] = {
    ConnectionRefusedError: "connection refused",
    ConnectionResetError: "connection reset",
    BrokenPipeError: "connection closed",
}
_FORGOTTEN = re.compile(rb"\bsession\b|server not initialized", re.IGNORECASE)
_FORGOTTEN_BYTES = 2048


def why(exc: BaseException) -> str:
    """The reason at the bottom of a chain of exceptions, in the system's own words."""
    if isinstance(exc, httpx2.LocalProtocolError):
        return "the request is not valid HTTP; check the configured headers"  # the original quotes their values
    seen: BaseException | None = exc
    while seen is not None:
        if isinstance(seen, OSError) and seen.errno:
            return _PLAIN.get(type(seen)) or seen.strerror or str(seen)
        if isinstance(seen, BaseExceptionGroup):
            seen = cast("BaseExceptionGroup[BaseException]", seen).exceptions[0]
        else:
            seen = seen.__cause__ or seen.__context__
    return str(exc) or type(exc).__name__


class _RpcErrorBody(msgspec.Struct):
    code: int


class _RpcErrorMessage(msgspec.Struct):
    jsonrpc: Literal["2.0"]
    error: _RpcErrorBody
    id: int | str | None = None


def error_message(body: bytes | None) -> _RpcErrorMessage | None:
    """The JSON-RPC error that the body of an HTTP error is; None if it is what a gateway on the way says."""
    try:
        return msgspec.json.decode(body or b"null", type=_RpcErrorMessage)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def forgets_session(status: int, asked: Mapping[str, str], body: bytes = b"") -> bool:
    """Whether the server does not know our session any more, so that it did nothing.

    The specification has 404 for that. Servers made after the TypeScript SDK's examples say 400, and a sentence that
    answers no request of ours; without this they would never be reached again once they were restarted.
    """
    if SESSION not in asked:
        return False
    if status != 400:
        return status == 404
    said = error_message(body)
    return (said is None or said.id is None) and _FORGOTTEN.search(body[:_FORGOTTEN_BYTES]) is not None


def plain_error(message: str, **data: object) -> dict[str, object]:
    """An error of ours in JSON-RPC's form."""
    error: dict[str, object] = {"code": -32603, "message": message}
    if data:
        error["data"] = data
    return error


def is_turned_away(response: httpx2.Response) -> bool:
    """Whether the server says that it did not look at the request, and when to come again."""
    return response.status_code in (429, 503) and "retry-after" in response.headers


def http_error(response: httpx2.Response, body: bytes) -> tuple[dict[str, object], bool | None]:
    """A status in the words of JSON-RPC, and whether the request was executed (None: unknown)."""
    status = response.status_code
    said = " ".join(body.decode("utf-8", "replace").split())[:200]
    text = f"HTTP {status} {response.reason_phrase}".rstrip()
    if status == UNAUTHORIZED:
        text += ": the server wants other credentials"
    elif status == 403:
        text += ": the credentials do not allow this"
    if said and "<html" not in said.lower():
        text += f" ({said})"
    extra = {
        key: response.headers[header]
        for key, header in (("retryAfter", "retry-after"), ("wwwAuthenticate", "www-authenticate"))
        if header in response.headers
    }
    error = plain_error(text, httpStatus=status, **extra)
    if status == 404:
        error["code"] = -32601  # no session yet: whoever answers does not know the method, or the path
    may_have_run = (status >= 500 or status == 408) and not is_turned_away(response)
    return error, None if may_have_run else False

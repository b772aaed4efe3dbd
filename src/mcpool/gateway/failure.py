"""From what went wrong to the JSON-RPC error, and HTTP status, that the client is told."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import msgspec

from mcpool import errors
from mcpool.wire.revisions import (
    HEADER_MISMATCH,
    INTERNAL_ERROR,
    INVALID_PARAMS,
    INVALID_REQUEST,
    METHOD_NOT_FOUND,
    MISSING_REQUIRED_CLIENT_CAPABILITY,
    PARSE_ERROR,
    UNSUPPORTED_PROTOCOL_VERSION,
)

REQUEST_CANCELLED: Final = -32800
"""What a request is answered with that its client cancelled, where the transport needs an answer."""

_OURS: Mapping[type[errors.McpoolError], int] = MappingProxyType(
    {
        errors.CallTimeout: -32001,
        errors.ServerUnavailable: -32010,
        errors.CallOutcomeUnknown: -32011,
        errors.MessageTooLarge: -32012,
        errors.ToolChanged: -32013,
        errors.ApprovalDenied: -32014,
        errors.ToolNotFound: INVALID_PARAMS,
        errors.ServerNotFound: INVALID_PARAMS,
    }
)
"""Codes of ours, in the range that the specification leaves to implementations."""

HTTP_STATUS: Mapping[int, int] = MappingProxyType(
    {
        PARSE_ERROR: 400,
        INVALID_REQUEST: 400,
        INVALID_PARAMS: 400,
        METHOD_NOT_FOUND: 404,
        HEADER_MISMATCH: 400,
        MISSING_REQUIRED_CLIENT_CAPABILITY: 400,
        UNSUPPORTED_PROTOCOL_VERSION: 400,
    }
)
"""The status of a 2026-07-28 answer by its error code; 200 for the others."""


class Failure(Exception):
    """A request that the gateway itself refuses. `data` is raw JSON."""

    def __init__(self, code: int, message: str, data: bytes | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.data = data


class Refusal(Exception):
    """An HTTP request that is refused before it becomes a message: `status`, and why, in one sentence."""

    def __init__(
        self, status: int, message: str, *, code: int = INVALID_REQUEST, headers: tuple[tuple[bytes, bytes], ...] = ()
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.code = code
        self.headers = headers


def failure_of(error: Exception) -> Failure | None:
    """What the client is told of an error of the layers below; None if it is none that mcpool raises on purpose."""
    if isinstance(error, Failure):
        return error
    if isinstance(error, errors.RpcError):
        return Failure(error.code, error.reason, error.data)
    if not isinstance(error, errors.McpoolError):
        return None
    code = next((code for kind, code in _OURS.items() if isinstance(error, kind)), INTERNAL_ERROR)
    data: dict[str, str] = {"error": type(error).__name__}
    if isinstance(error, errors.ServerError):
        data["server"] = error.server
    return Failure(code, str(error), msgspec.json.encode({"mcpool": data}))

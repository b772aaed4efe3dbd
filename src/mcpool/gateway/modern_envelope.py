"""The context that every 2026-07-28 request carries, and the headers that must repeat it. Pure."""

from __future__ import annotations

import base64
import binascii
from typing import NamedTuple

from mcpool.backend.holder import LOG_LEVELS
from mcpool.gateway import names
from mcpool.gateway.failure import Failure
from mcpool.gateway.http import Headers
from mcpool.gateway.message import Message, text_of
from mcpool.gateway.request_params import capabilities_of
from mcpool.gateway.upstream import Fields
from mcpool.wire.envelope import encode_json
from mcpool.wire.revisions import (
    HEADER_MISMATCH,
    INVALID_PARAMS,
    META_CLIENT_CAPABILITIES,
    META_LOG_LEVEL,
    META_PROTOCOL_VERSION,
    MODERN_VERSIONS,
    UNSUPPORTED_PROTOCOL_VERSION,
)

_VERSION = b"mcp-protocol-version"
_METHOD = b"mcp-method"
_NAME = b"mcp-name"
_BLANKS = b" \t"
"""What may stand around a header's value without being part of it."""
_SENTINEL = (b"=?base64?", b"?=")


class Context(NamedTuple):
    """What a request says of its client. `capabilities` is one line of JSON."""

    capabilities: bytes
    log_level: str | None


def read_context(message: Message, fields: Fields, meta: Fields | None, headers: Headers | None) -> Context:
    """Check a request's context, and its headers unless it came without any.

    Raises:
        Failure: the context is incomplete (-32602), headers say something else (-32020), or the revision is not
            served (-32022).
    """
    if meta is None or META_PROTOCOL_VERSION not in meta or META_CLIENT_CAPABILITIES not in meta:
        wanted = f"`{META_PROTOCOL_VERSION}` and `{META_CLIENT_CAPABILITIES}`"
        raise Failure(INVALID_PARAMS, f"`params._meta` must be an object that holds {wanted}")
    version = text_of(meta[META_PROTOCOL_VERSION])
    if headers is not None:
        _check_headers(message, fields, version, headers)
    if version is None:
        raise Failure(INVALID_PARAMS, f"`{META_PROTOCOL_VERSION}` must be a string")
    if version not in MODERN_VERSIONS:
        raise unsupported(version)
    level = text_of(meta.get(META_LOG_LEVEL))
    if META_LOG_LEVEL in meta and level not in LOG_LEVELS:
        raise Failure(INVALID_PARAMS, f"`{META_LOG_LEVEL}` must be one of {', '.join(LOG_LEVELS)}")
    return Context(capabilities_of(meta, META_CLIENT_CAPABILITIES), level)


def unsupported(version: str) -> Failure:
    """The failure that lets a client try again with a revision that is served."""
    data = encode_json({"supported": MODERN_VERSIONS, "requested": version})
    return Failure(UNSUPPORTED_PROTOCOL_VERSION, "Unsupported protocol version", data)


def decode_header(value: bytes | None) -> str | None:
    """The text in a header; None if it is absent or wrapped in broken Base64."""
    if value is None:
        return None
    value = value.strip(_BLANKS)
    before, after = _SENTINEL
    if value.startswith(before) and value.endswith(after) and len(value) >= len(before) + len(after):
        payload = value[len(before) : -len(after)]
        try:
            decoded = base64.b64decode(payload, validate=True)
            return decoded.decode("utf-8") if base64.b64encode(decoded) == payload else None
        except (binascii.Error, ValueError):
            return None
    return value.decode("latin-1")


def _check_headers(message: Message, fields: Fields, version: str | None, headers: Headers) -> None:
    said = headers.get(_VERSION)
    if said is None or said.strip(_BLANKS).decode("latin-1") != version:
        raise Failure(HEADER_MISMATCH, "the MCP-Protocol-Version header does not say what `params._meta` says")
    if headers.get(_METHOD, b"").strip(_BLANKS).decode("latin-1") != message.method:
        raise Failure(HEADER_MISMATCH, "the Mcp-Method header does not say what `method` says")
    key = names.NAME_FIELD.get(message.method)
    if key is not None and key in fields and decode_header(headers.get(_NAME)) != text_of(fields[key]):
        raise Failure(HEADER_MISMATCH, f"the Mcp-Name header does not say what `params.{key}` says")

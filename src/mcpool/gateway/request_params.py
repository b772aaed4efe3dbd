"""The params of a client's request, as far as they are read."""

from __future__ import annotations

from mcpool.gateway.failure import Failure
from mcpool.gateway.message import Message, members, text_of
from mcpool.gateway.names import META
from mcpool.gateway.upstream import Fields
from mcpool.wire import params as wire_params
from mcpool.wire.revisions import HANDSHAKE_VERSIONS, INVALID_PARAMS, LATEST_HANDSHAKE


def read_params(message: Message) -> tuple[Fields, Fields | None]:
    """The params of a message, one level decoded, and its `_meta`, likewise.

    Raises:
        Failure: they are no objects.
    """
    if not message.params:
        return {}, None
    try:
        fields = members(message.params)
        meta = fields.pop(META, None)
        return fields, None if meta is None else members(meta)
    except ValueError:
        raise Failure(INVALID_PARAMS, "`params`, and `_meta` in it, must be objects") from None


def capabilities_of(fields: Fields, key: str) -> bytes:
    """The client capabilities in a params object, as one line of JSON."""
    raw = fields.get(key)
    if raw is None:
        return b"{}"
    try:
        return wire_params.join(members(raw))
    except ValueError:
        raise Failure(INVALID_PARAMS, f"`{key}` must be an object") from None


def revision_for(fields: Fields) -> str:
    """The revision in which a session goes on that an `initialize` with these params begins.

    Raises:
        Failure: the client names none.
    """
    wanted = text_of(fields.get("protocolVersion"))
    if wanted is None:
        raise Failure(INVALID_PARAMS, "initialize: `protocolVersion` must be a string")
    return wanted if wanted in HANDSHAKE_VERSIONS else LATEST_HANDSHAKE

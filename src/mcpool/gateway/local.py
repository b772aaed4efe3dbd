"""Requests that both kinds of endpoint answer in the same way, without a server."""

from __future__ import annotations

from typing import Final

from mcpool.backend.holder import LOG_LEVELS
from mcpool.gateway import names
from mcpool.gateway.exchange import Exchange
from mcpool.gateway.failure import Failure
from mcpool.gateway.message import text_of
from mcpool.wire.revisions import INVALID_PARAMS, METHOD_NOT_FOUND

EMPTY: Final = b"{}"


def check_method(exchange: Exchange) -> None:
    """Refuse what the client's revision does not have.

    Raises:
        Failure: method not found.
    """
    wrong = names.HANDSHAKE_ONLY if exchange.modern else names.MODERN_ONLY
    if exchange.method in wrong:
        raise Failure(METHOD_NOT_FOUND, f"Method not found: {exchange.method} is not part of this protocol revision")


def log_level(exchange: Exchange) -> str:
    """The level in a `logging/setLevel`."""
    level = text_of(exchange.fields.get("level"))
    if level not in LOG_LEVELS:
        raise Failure(INVALID_PARAMS, f"`level` must be one of {', '.join(LOG_LEVELS)}")
    return level


def text_field(exchange: Exchange, name: str) -> str:
    """A field of the params that must be a string."""
    value = text_of(exchange.fields.get(name))
    if value is None:
        raise Failure(INVALID_PARAMS, f"{exchange.method}: `{name}` must be a string")
    return value


def refuse_cursor(exchange: Exchange) -> None:
    """Lists that we make are never cut into pages, so no cursor is ours."""
    cursor = exchange.fields.get("cursor")
    if cursor is not None and bytes(cursor) != b"null":
        raise Failure(INVALID_PARAMS, f"{exchange.method}: this cursor is not ours")

"""Which tools of a client declare headers for their arguments, read once for each list of tools."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from mcpool.gateway.client_state import ClientState
from mcpool.gateway.exchange import Exchange
from mcpool.gateway.failure import Failure
from mcpool.gateway.message import text_of, value_of
from mcpool.gateway.param_headers import KEYWORD, Declared, check, declared
from mcpool.gateway.upstream import Step
from mcpool.gateway.view import View
from mcpool.wire.revisions import INVALID_PARAMS

HeaderChecks = dict[str, tuple[Declared, ...]]
"""By the name under which the client knows the tool; only tools that declare something."""

_MARK = KEYWORD.encode()


class _Tool(msgspec.Struct, rename="camel"):
    name: str
    input_schema: object = None


async def check_headers(
    view: View, state: ClientState, step: Step, exchange: Exchange, headers: Iterable[tuple[bytes, bytes]]
) -> None:
    """Compare the headers of a tool call with its arguments.

    Raises:
        Failure: they do not say the same, or the arguments can be read in more than one way.
    """
    if state.header_checks is None:
        state.header_checks = header_checks(await view.definitions(state, step))
    if state.header_checks:
        entries = state.header_checks.get(text_of(exchange.fields.get("name")) or "")
        if entries:
            check(entries, _arguments(exchange), headers)


def _arguments(exchange: Exchange) -> object:
    raw = exchange.fields.get("arguments")
    try:
        return None if raw is None else value_of(raw)
    except ValueError as error:
        raise Failure(INVALID_PARAMS, f"`arguments` cannot be compared with the headers: {error}") from None


def header_checks(definitions: Iterable[bytes]) -> HeaderChecks:
    """Read the definitions as the client sees them. Nearly none has the keyword, so nearly none is decoded."""
    found: HeaderChecks = {}
    for raw in definitions:
        if _MARK not in raw:
            continue
        try:
            tool = msgspec.json.decode(raw, type=_Tool)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            continue
        entries = declared(tool.input_schema)
        if entries:
            found[tool.name] = entries
    return found

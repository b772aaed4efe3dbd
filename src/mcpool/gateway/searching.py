"""An endpoint that offers a search and a call in place of all its tools, for clients that cannot take so many."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from typing import Any, Final, cast

import msgspec
from msgspec import Raw

from mcpool.catalog.tool_search import Index, document
from mcpool.gateway import names
from mcpool.gateway.client_state import ClientState
from mcpool.gateway.exchange import Exchange
from mcpool.gateway.local import refuse_cursor
from mcpool.gateway.message import members, text_of, value_of
from mcpool.gateway.upstream import Step
from mcpool.gateway.view import View
from mcpool.wire import params as wire_params
from mcpool.wire.envelope import encode_json

FIND: Final = "find_tools"
CALL: Final = "call_tool"
_DEFAULT_LIMIT = 5
_FIVE = Raw(b"5")
_NOTHING = Raw(b"{}")
_MOST = 20

_FIND_TOOL = {
    "name": FIND,
    "title": "Find tools",
    "description": "Find tools by what they do. Gives the best with their input schemas; call one with call_tool.",
    "inputSchema": {
        "type": "object",
        "properties": {
            "query": {"type": "string", "description": "Words that say what the tool shall do, or parts of its name"},
            "limit": {"type": "integer", "minimum": 1, "maximum": _MOST, "default": _DEFAULT_LIMIT},
        },
        "required": ["query"],
    },
    "annotations": {"readOnlyHint": True, "openWorldHint": False},
}
_CALL_TOOL = {
    "name": CALL,
    "title": "Call a tool",
    "description": "Call a tool that find_tools found, by its name and with arguments that fit its input schema.",
    "inputSchema": {
        "type": "object",
        "properties": {
            "name": {"type": "string", "description": "The name, as find_tools gave it"},
            "arguments": {"type": "object", "description": "The arguments of the tool"},
        },
        "required": ["name"],
    },
}
_OFFERED: Final = (encode_json(_FIND_TOOL), encode_json(_CALL_TOOL))
_HINT = "Most tools are not listed: find them with find_tools, and call them with call_tool."


class Found:
    """The tools of a client that can be found, read once for each list of them."""

    def __init__(self, definitions: tuple[bytes, ...]) -> None:
        self.definitions = definitions
        self.specs = [spec for raw in definitions if (spec := _spec(raw)) is not None]
        self.names = [str(spec["name"]) for spec in self.specs]
        self._index = Index([document(spec) for spec in self.specs])

    def best(self, query: str, limit: int) -> list[dict[str, Any]]:
        """What the best matches are, best first."""
        return [
            {key: spec[key] for key in ("name", "title", "description", "inputSchema") if key in spec}
            for spec in (self.specs[position] for position in self._index.find(query, limit))
        ]


def _spec(raw: bytes) -> dict[str, Any] | None:
    try:
        spec = msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return cast(dict[str, Any], spec) if isinstance(spec, dict) and "name" in spec else None


class SearchingView:
    """What another view offers, its tools behind a search."""

    def __init__(self, inner: View, *, above: int = 0) -> None:
        """`above`: only if there are more tools than that."""
        self._inner = inner
        self._above = above

    @property
    def route(self) -> str | None:
        return self._inner.route

    @property
    def only(self) -> Sequence[str] | None:
        return self._inner.only

    def hears(self, server: str) -> bool:
        return self._inner.hears(server)

    async def initialize(self, step: Step, revision: str) -> bytes:
        return self._hinted(await self._inner.initialize(step, revision))

    async def answer(self, state: ClientState, step: Step, exchange: Exchange) -> bytes:
        match exchange.method:
            case names.LIST_TOOLS if await self._searches(state, step):
                refuse_cursor(exchange)
                return b'{"tools":[%b]}' % b",".join(_OFFERED)
            case names.CALL if _is_ours(exchange) and await self._searches(state, step):
                return await self._call(state, step, exchange)
            case names.DISCOVER:
                return self._hinted(await self._inner.answer(state, step, exchange))
            case _:
                return await self._inner.answer(state, step, exchange)

    async def definitions(self, state: ClientState, step: Step) -> Sequence[bytes]:
        return _OFFERED if await self._searches(state, step) else await self._inner.definitions(state, step)

    async def owner_of(self, state: ClientState, step: Step, uri: str, *, modern: bool) -> str:
        return await self._inner.owner_of(state, step, uri, modern=modern)

    # ------------------------------------------------------------------ within

    async def _searches(self, state: ClientState, step: Step) -> bool:
        return not self._above or len(await self._inner.definitions(state, step)) > self._above

    async def _found(self, state: ClientState, step: Step) -> Found:
        definitions = tuple(await self._inner.definitions(state, step))
        if state.found is None or state.found.definitions != definitions:
            state.found = Found(definitions)
        return state.found

    async def _call(self, state: ClientState, step: Step, exchange: Exchange) -> bytes:
        try:
            given = members(exchange.fields.get("arguments", _NOTHING))
        except ValueError as error:
            return _failed(f"`arguments` cannot be used: {error}")
        found = await self._found(state, step)
        if text_of(exchange.fields.get("name")) == FIND:
            return _find(found, given)
        name, arguments = text_of(given.get("name")), given.get("arguments", _NOTHING)
        if name is None or not bytes(arguments).startswith(b"{"):
            return _failed('call_tool takes {"name": "...", "arguments": {...}}')
        if name not in found.names:
            near = difflib.get_close_matches(name, found.names, 3)
            hint = f"; there is {', '.join(near)}" if near else ""
            return _failed(f"there is no tool {name!r}{hint}; find_tools finds those that there are")
        exchange.fields["name"] = Raw(encode_json(name))
        exchange.fields["arguments"] = arguments
        return await self._inner.answer(state, step, exchange)

    def _hinted(self, result: bytes) -> bytes:
        if self._above:
            return result
        fields = wire_params.split(result)
        told = text_of(fields.get("instructions"))
        fields["instructions"] = Raw(encode_json(f"{told}\n\n{_HINT}" if told else _HINT))
        return wire_params.join(fields)


def _is_ours(exchange: Exchange) -> bool:
    return text_of(exchange.fields.get("name")) in (FIND, CALL)


def _find(found: Found, given: dict[str, Raw]) -> bytes:
    query, limit = text_of(given.get("query")), value_of(given.get("limit", _FIVE))
    if query is None or not isinstance(limit, int) or isinstance(limit, bool):
        return _failed('find_tools takes {"query": "...", "limit": 5}')
    best = found.best(query, max(1, min(limit, _MOST)))
    text = encode_json(best).decode() if best else f"no tool matches; {len(found.names)} can be found by other words"
    return encode_json({"content": [{"type": "text", "text": text}], "structuredContent": {"tools": best}})


def _failed(reason: str) -> bytes:
    return encode_json({"content": [{"type": "text", "text": reason}], "isError": True})

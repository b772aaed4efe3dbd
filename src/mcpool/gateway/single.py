"""The endpoint of one server: its own names, instructions, information and capabilities, and whatever it says."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Raw

from mcpool.gateway import names
from mcpool.gateway.client_state import ClientState
from mcpool.gateway.exchange import Exchange
from mcpool.gateway.failure import Failure
from mcpool.gateway.local import EMPTY, check_method, log_level, refuse_cursor, text_field
from mcpool.gateway.upstream import ServerFacts, Step
from mcpool.wire import params as wire_params
from mcpool.wire.envelope import encode_json, one_line
from mcpool.wire.revisions import INVALID_REQUEST, META_SERVER_INFO, MODERN_VERSIONS

_OURS = (
    frozenset({names.LIST_TOOLS, names.SET_LEVEL, names.SUBSCRIBE, names.UNSUBSCRIBE, names.PING, names.INITIALIZE})
    | names.MODERN_ONLY
)


class SingleView:
    """One server, transparently."""

    def __init__(self, server: str, *, route: str | None = None, only: Sequence[str] | None = None) -> None:
        self._server = server
        self._route = route or server
        self.only: Sequence[str] | None = (server,) if only is None else only

    @property
    def route(self) -> str | None:
        return self._route

    def hears(self, server: str) -> bool:
        return server == self._server

    async def initialize(self, step: Step, revision: str) -> bytes:
        facts = await step.facts(self._server)
        fields = _said(facts)
        fields["protocolVersion"] = Raw(encode_json(revision))
        return wire_params.join(fields)

    async def answer(self, state: ClientState, step: Step, exchange: Exchange) -> bytes:
        if exchange.method in _OURS:
            return await self._own(state, step, exchange)
        return await exchange.relay(step, self._server)

    async def definitions(self, state: ClientState, step: Step) -> Sequence[bytes]:
        return [tool.raw for tool in await step.tool_definitions(self._server)]

    async def owner_of(self, state: ClientState, step: Step, uri: str, *, modern: bool) -> str:
        return self._server

    async def _own(self, state: ClientState, step: Step, exchange: Exchange) -> bytes:
        if exchange.modern and exchange.method == names.DISCOVER:
            return _discovered(await step.facts(self._server))
        check_method(exchange)
        match exchange.method:
            case names.LIST_TOOLS:
                refuse_cursor(exchange)
                tools = await step.tool_definitions(self._server)
                return b'{"tools":[%b]}' % b",".join([one_line(tool.raw) for tool in tools])
            case names.SET_LEVEL:
                await state.wishes.set_log_level(self._server, log_level(exchange))
            case names.SUBSCRIBE:
                await state.wishes.subscribe(self._server, text_field(exchange, "uri"))
            case names.UNSUBSCRIBE:
                await state.wishes.unsubscribe(self._server, text_field(exchange, "uri"))
            case names.INITIALIZE:
                raise Failure(INVALID_REQUEST, "this session is initialized already")
            case _:
                pass
        return EMPTY


def _said(facts: ServerFacts) -> dict[str, Raw]:
    """What the server said of itself, as the result of `initialize`, with all that it added of its own."""
    if facts.initialize_result is not None:
        return wire_params.split(facts.initialize_result)
    fields: dict[str, Raw] = {
        "capabilities": Raw(encode_json(facts.capabilities)),
        "serverInfo": Raw(encode_json(facts.server_info)),
    }
    if facts.instructions is not None:
        fields["instructions"] = Raw(encode_json(facts.instructions))
    return fields


def _discovered(facts: ServerFacts) -> bytes:
    """The same as the result of `server/discover`."""
    if facts.discover is not None:
        fields = wire_params.split(facts.discover)
    else:
        fields = _said(facts)
        fields.pop("protocolVersion", None)
        info = fields.pop("serverInfo", None)
        meta = wire_params.split(bytes(fields["_meta"])) if "_meta" in fields else {}
        if info is not None:
            meta[META_SERVER_INFO] = info
        fields["_meta"] = Raw(wire_params.join(meta))
    fields["supportedVersions"] = Raw(encode_json(MODERN_VERSIONS))
    return wire_params.join(fields)

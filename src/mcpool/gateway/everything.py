"""The endpoint of all servers: their tools and prompts under prefixed names, their resources by URI."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Raw

from mcpool.errors import ServerError
from mcpool.gateway import names
from mcpool.gateway.capabilities import merged
from mcpool.gateway.catalogue import Owner, ResourceTable, Table, rename, resource_table, without_repeats
from mcpool.gateway.client_state import ClientState
from mcpool.gateway.exchange import Exchange
from mcpool.gateway.failure import Failure
from mcpool.gateway.gathering import all_pages, gather
from mcpool.gateway.limits import Limits
from mcpool.gateway.local import EMPTY, check_method, log_level, refuse_cursor, text_field
from mcpool.gateway.message import members, text_of
from mcpool.gateway.summary import summary
from mcpool.gateway.upstream import ServerFacts, Step
from mcpool.wire import params as wire_params
from mcpool.wire.envelope import encode_json
from mcpool.wire.revisions import (
    INVALID_PARAMS,
    INVALID_REQUEST,
    META_SERVER_INFO,
    METHOD_NOT_FOUND,
    MODERN_VERSIONS,
    RESOURCE_NOT_FOUND,
)


class EverythingView:
    """All servers. A server that is down or slow is left out of lists until it is there."""

    def __init__(
        self, limits: Limits, version: str, *, route: str | None = None, only: Sequence[str] | None = None
    ) -> None:
        self._limits = limits
        self._route = route
        self.only = only
        self._info = {"name": "mcpool", "title": "mcpool", "version": version}

    @property
    def route(self) -> str | None:
        return self._route

    def hears(self, server: str) -> bool:
        return True

    async def initialize(self, step: Step, revision: str) -> bytes:
        return encode_json({"protocolVersion": revision, **await self._about(step), "serverInfo": self._info})

    async def answer(self, state: ClientState, step: Step, exchange: Exchange) -> bytes:
        if exchange.method == names.CALL:
            owner = await self._tool(state, step, exchange)
            exchange.fields["name"] = owner.name
            return await exchange.relay(step, owner.server)
        check_method(exchange)
        match exchange.method:
            case names.LIST_TOOLS:
                refuse_cursor(exchange)
                return _listed("tools", (await self._load_tools(state, step)).items)
            case names.LIST_PROMPTS:
                refuse_cursor(exchange)
                return _listed("prompts", (await self._load_prompts(state, step)).items)
            case names.LIST_RESOURCES:
                refuse_cursor(exchange)
                resources, _, table = await self._load_resources(state, step)
                return _listed("resources", without_repeats(resources, table))
            case names.LIST_TEMPLATES:
                refuse_cursor(exchange)
                _, templates, _ = await self._load_resources(state, step)
                return _listed("resourceTemplates", [item for items in templates.values() for item in items])
            case names.PROMPT:
                owner = await self._prompt(state, step, text_field(exchange, "name"))
                exchange.fields["name"] = owner.name
                return await exchange.relay(step, owner.server)
            case names.READ:
                return await self._read(state, step, exchange)
            case names.COMPLETE:
                return await self._complete(state, step, exchange)
            case _:
                return await self._own(state, step, exchange)

    async def _own(self, state: ClientState, step: Step, exchange: Exchange) -> bytes:
        match exchange.method:
            case names.DISCOVER:
                about = await self._about(step)
                meta = {META_SERVER_INFO: self._info}
                return encode_json({"supportedVersions": MODERN_VERSIONS, **about, "_meta": meta})
            case names.PING:
                return EMPTY
            case names.SET_LEVEL:
                await state.wishes.set_log_level(None, log_level(exchange))
                return EMPTY
            case names.SUBSCRIBE:
                uri = text_field(exchange, "uri")
                await state.wishes.subscribe(await self.owner_of(state, step, uri, modern=exchange.modern), uri)
                return EMPTY
            case names.UNSUBSCRIBE:
                uri = text_field(exchange, "uri")
                await state.wishes.unsubscribe(await self.owner_of(state, step, uri, modern=exchange.modern), uri)
                return EMPTY
            case names.INITIALIZE:
                raise Failure(INVALID_REQUEST, "this session is initialized already")
            case _:
                message = f"Method not found: {exchange.method}; the endpoint of a single server may have it"
                raise Failure(METHOD_NOT_FOUND, message)

    # ------------------------------------------------------------------ what there is

    async def _about(self, step: Step) -> dict[str, Any]:
        facts, slow = await gather(step.servers, step.facts, self._limits.grace)
        known: list[Mapping[str, Any] | None] = [said.capabilities for said in facts.values()]
        return {
            "capabilities": merged([*known, *(None for _ in slow)]),
            "instructions": summary(step.servers, facts, slow, self._limits.instructions),
        }

    async def _load_tools(self, state: ClientState, step: Step) -> Table:
        async def definitions(server: str) -> list[bytes]:
            return [tool.raw for tool in await step.tool_definitions(server)]

        found, slow = await gather(step.servers, definitions, self._limits.grace)
        self._announce(state, slow)
        if state.tools is None or state.tools.source != found:
            state.tools = rename(found)
        return state.tools

    async def _load_prompts(self, state: ClientState, step: Step) -> Table:
        state.prompts = rename(await self._listing(state, step, "prompts", names.LIST_PROMPTS, "prompts"))
        return state.prompts

    async def _load_resources(
        self, state: ClientState, step: Step
    ) -> tuple[dict[str, list[bytes]], dict[str, list[bytes]], ResourceTable]:
        resources = await self._listing(state, step, "resources", names.LIST_RESOURCES, "resources")
        templates = await self._listing(state, step, "resources", names.LIST_TEMPLATES, "resourceTemplates")
        state.resources = resource_table(resources, templates)
        return resources, templates, state.resources

    async def _listing(
        self, state: ClientState, step: Step, capability: str, method: str, key: str
    ) -> dict[str, list[bytes]]:
        async def items(server: str) -> list[bytes]:
            facts: ServerFacts = await step.facts(server)
            if facts.capabilities.get(capability) is None:
                return []
            return await all_pages(step, server, method, key)

        found, slow = await gather(step.servers, items, self._limits.grace)
        self._announce(state, slow)
        return found

    def _announce(self, state: ClientState, slow: list[str]) -> None:
        for server in slow:
            state.wishes.announce(server)

    # ------------------------------------------------------------------ whose it is

    async def _tool(self, state: ClientState, step: Step, exchange: Exchange) -> Owner:
        name = text_of(exchange.fields.get("name"))
        owner = None if name is None or state.tools is None else state.tools.owners.get(name)
        if owner is None and name is not None:
            owner = (await self._load_tools(state, step)).owners.get(name)
        if owner is None:
            raise Failure(INVALID_PARAMS, f"Unknown tool: {name}")
        return owner

    async def _prompt(self, state: ClientState, step: Step, name: str) -> Owner:
        owner = None if state.prompts is None else state.prompts.owners.get(name)
        if owner is None:
            owner = (await self._load_prompts(state, step)).owners.get(name)
        if owner is None:
            raise Failure(INVALID_PARAMS, f"Unknown prompt: {name}")
        return owner

    async def definitions(self, state: ClientState, step: Step) -> Sequence[bytes]:
        return (await self._load_tools(state, step)).items

    async def owner_of(self, state: ClientState, step: Step, uri: str, *, modern: bool) -> str:
        """The server of a URI.

        Raises:
            Failure: no server lists it, nor a template for it.
        """
        owner = None if state.resources is None else state.resources.owner(uri)
        if owner is None:
            owner = (await self._load_resources(state, step))[2].owner(uri)
        if owner is None:
            code = INVALID_PARAMS if modern else RESOURCE_NOT_FOUND
            raise Failure(code, f"Resource not found: {uri}", encode_json({"uri": uri}))
        return owner

    async def _read(self, state: ClientState, step: Step, exchange: Exchange) -> bytes:
        uri = text_field(exchange, "uri")
        try:
            owner = await self.owner_of(state, step, uri, modern=exchange.modern)
        except Failure as not_listed:
            # A server may have resources that it does not list.
            facts, _ = await gather(step.servers, step.facts, self._limits.grace)
            for server, said in facts.items():
                if said.capabilities.get("resources") is not None:
                    try:
                        return await exchange.relay(step, server)
                    except ServerError:
                        continue
            raise not_listed from None
        return await exchange.relay(step, owner)

    async def _complete(self, state: ClientState, step: Step, exchange: Exchange) -> bytes:
        try:
            ref = members(exchange.fields["ref"])
        except (KeyError, ValueError):
            raise Failure(INVALID_PARAMS, f"{exchange.method}: `ref` must be an object") from None
        if text_of(ref.get("type")) == "ref/prompt":
            owner = await self._prompt(state, step, text_of(ref.get("name")) or "")
            ref["name"] = owner.name
            exchange.fields["ref"] = Raw(wire_params.join(ref))
            return await exchange.relay(step, owner.server)
        uri = text_of(ref.get("uri")) or ""
        return await exchange.relay(step, await self.owner_of(state, step, uri, modern=exchange.modern))


def _listed(key: str, items: tuple[bytes, ...] | list[bytes]) -> bytes:
    return b'{"%b":[%b]}' % (key.encode(), b",".join(items))

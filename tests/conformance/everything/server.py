"""The server, put together."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import mcp_types as types
from mcp.server.lowlevel import Server
from mcp.server.request_state import RequestStateBoundary, RequestStateSecurity
from mcp.server.subscriptions import ListenHandler
from mcp_types.version import MODERN_PROTOCOL_VERSIONS

from conformance.everything import prompts, resources, tools
from conformance.everything.call import Call, Context
from conformance.everything.state import State

NAME = "everything"

_Page = types.PaginatedRequestParams | None


async def _list_tools(_: Context, __: _Page) -> types.ListToolsResult:
    return types.ListToolsResult(tools=tools.TOOLS)


async def _call_tool(
    ctx: Context, params: types.CallToolRequestParams
) -> types.CallToolResult | types.InputRequiredResult:
    return await tools.run(Call(ctx, params), params.name)


async def _list_resources(_: Context, __: _Page) -> types.ListResourcesResult:
    return types.ListResourcesResult(resources=resources.RESOURCES)


async def _list_templates(_: Context, __: _Page) -> types.ListResourceTemplatesResult:
    return types.ListResourceTemplatesResult(resource_templates=resources.TEMPLATES)


async def _read_resource(ctx: Context, params: types.ReadResourceRequestParams) -> types.ReadResourceResult:
    return resources.read(str(params.uri), modern=ctx.protocol_version in MODERN_PROTOCOL_VERSIONS)


async def _subscribe(ctx: Context, params: types.SubscribeRequestParams) -> types.EmptyResult:
    ctx.lifespan_context.subscribed.add(str(params.uri))
    return types.EmptyResult()


async def _unsubscribe(ctx: Context, params: types.UnsubscribeRequestParams) -> types.EmptyResult:
    ctx.lifespan_context.subscribed.discard(str(params.uri))
    return types.EmptyResult()


async def _list_prompts(_: Context, __: _Page) -> types.ListPromptsResult:
    return types.ListPromptsResult(prompts=prompts.PROMPTS)


async def _get_prompt(
    ctx: Context, params: types.GetPromptRequestParams
) -> types.GetPromptResult | types.InputRequiredResult:
    return await prompts.write(Call(ctx, params), params.name)


async def _complete(_: Context, params: types.CompleteRequestParams) -> types.CompleteResult:
    return prompts.complete(params)


async def _set_level(ctx: Context, params: types.SetLevelRequestParams) -> types.EmptyResult:
    ctx.lifespan_context.level = params.level
    return types.EmptyResult()


def build() -> Server[State]:
    """A server that answers in the era that it is spoken to in."""
    state = State()

    @asynccontextmanager
    async def lifespan(_: Server[State]) -> AsyncGenerator[State]:
        yield state

    server = Server(
        NAME,
        version="1.0.0",
        lifespan=lifespan,
        on_list_tools=_list_tools,
        on_call_tool=_call_tool,
        on_list_resources=_list_resources,
        on_list_resource_templates=_list_templates,
        on_read_resource=_read_resource,
        on_subscribe_resource=_subscribe,
        on_unsubscribe_resource=_unsubscribe,
        on_subscriptions_listen=ListenHandler(state),
        on_list_prompts=_list_prompts,
        on_get_prompt=_get_prompt,
        on_completion=_complete,
    )
    server.add_request_handler("logging/setLevel", types.SetLevelRequestParams, _set_level)
    server.middleware.append(RequestStateBoundary(RequestStateSecurity.ephemeral(), default_audience=NAME))
    return server

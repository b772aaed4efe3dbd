"""A request of the client while it is being answered, and what can be asked or said on the way."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import mcp_types as types
from mcp.server.context import ServerRequestContext
from mcp.server.subscriptions import PromptsListChanged, ServerEvent, ToolsListChanged
from mcp.shared.message import ServerMessageMetadata
from mcp_types.version import MODERN_PROTOCOL_VERSIONS

from conformance.everything.state import State

Context = ServerRequestContext[State, Any]

_ANSWERS: dict[str, type[types.ElicitResult | types.CreateMessageResult | types.ListRootsResult]] = {
    "elicitation/create": types.ElicitResult,
    "sampling/createMessage": types.CreateMessageResult,
    "roots/list": types.ListRootsResult,
}
_ANNOUNCED: dict[type[ServerEvent], types.ServerNotification] = {
    ToolsListChanged: types.ToolListChangedNotification(),
    PromptsListChanged: types.PromptListChangedNotification(),
}


class Unanswered(Exception):
    """The request cannot be answered before the client has answered what is in `result` (2026-07-28)."""

    def __init__(self, result: types.InputRequiredResult) -> None:
        super().__init__("the client has to answer first")
        self.result = result


class Call:
    """One call of a tool, or one use of a prompt."""

    def __init__(self, ctx: Context, params: types.CallToolRequestParams | types.GetPromptRequestParams) -> None:
        self.ctx = ctx
        self.arguments: Mapping[str, Any] = params.arguments or {}
        self.capabilities = ctx.session.client_capabilities or types.ClientCapabilities()
        self._answers: dict[str, Any] = json.loads(params.request_state) if params.request_state else {}
        for name, answer in (params.input_responses or {}).items():
            self._answers[name] = answer.model_dump(mode="json", by_alias=True, exclude_none=True)

    @property
    def modern(self) -> bool:
        """Whether the client speaks 2026-07-28 or later."""
        return self.ctx.protocol_version in MODERN_PROTOCOL_VERSIONS

    async def ask(self, **questions: types.InputRequest) -> dict[str, Any]:
        """The client's answers to these questions, by the same names, as they are on the wire.

        In the handshake era a question is a request of the server. Since 2026-07-28 it is a result, and the client
        repeats its request with the answers: those of earlier rounds come back in the state.

        Raises:
            Unanswered: a result has to ask.
            MCPError: the client refused to answer.
        """
        if not self.modern:
            return {name: await self._request(question) for name, question in questions.items()}
        left = {name: question for name, question in questions.items() if name not in self._answers}
        if left:
            raise Unanswered(types.InputRequiredResult(input_requests=left, request_state=json.dumps(self._answers)))
        return {name: self._answers[name] for name in questions}

    async def log(self, words: str) -> None:
        """Write to the client's log at level `info`, if it asked for that level."""
        if self.modern or self.ctx.lifespan_context.logs("info"):
            send = self.ctx.session.send_log_message  # pyright: ignore[reportDeprecated]  # as long as it exists
            await send("info", words, related_request_id=self.ctx.request_id)

    async def announce(self, event: ServerEvent) -> None:
        """Tell all who listen of a change."""
        if self.modern:
            await self.ctx.lifespan_context.publish(event)
        else:
            await self.ctx.session.send_notification(_ANNOUNCED[type(event)])

    async def _request(self, question: types.InputRequest) -> dict[str, Any]:
        metadata = ServerMessageMetadata(related_request_id=self.ctx.request_id)
        answer = await self.ctx.session.send_request(question, _ANSWERS[question.method], metadata=metadata)
        return answer.model_dump(mode="json", by_alias=True, exclude_none=True)

"""What a well-behaved server answers, as plain values, in both eras of the protocol."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, cast

Message = dict[str, Any]
Run = Callable[[dict[str, Any]], Any]
"""What a tool does: arguments in; text, or what is structured content, or an awaitable of either, out."""

Era = Literal["handshake", "modern"]

MODERN = "2026-07-28"
LATEST_HANDSHAKE = "2025-11-25"
METHOD_NOT_FOUND = -32601
_META = "io.modelcontextprotocol"


@dataclass(frozen=True, slots=True)
class FakeTool:
    """A tool of a fake server."""

    name: str
    run: Run
    description: str = ""
    schema: Mapping[str, Any] = field(default_factory=lambda: {"type": "object"})
    annotations: Mapping[str, Any] = field(default_factory=dict[str, Any])

    @property
    def listed(self) -> Message:
        """As `tools/list` has it."""
        listed: Message = {"name": self.name, "inputSchema": dict(self.schema)}
        if self.description:
            listed["description"] = self.description
        if self.annotations:
            listed["annotations"] = dict(self.annotations)
        return listed


def is_modern(message: Message) -> bool:
    """Whether a request is of the revision that has no handshake."""
    return f"{_META}/protocolVersion" in message.get("params", {}).get("_meta", {})


def opening(name: str, message: Message, eras: tuple[Era, ...]) -> Message | None:
    """The result of `initialize` or `server/discover`; None if the server is not of that era."""
    about = {"capabilities": {"tools": {"listChanged": True}, "logging": {}}}
    if message["method"] == "server/discover":
        return {"supportedVersions": [MODERN], **about} if "modern" in eras else None
    if "handshake" not in eras:
        return None
    wanted = message.get("params", {}).get("protocolVersion", LATEST_HANDSHAKE)
    return {"protocolVersion": wanted, "serverInfo": {"name": name, "version": "1"}, **about}


def tool_result(value: Any) -> Message:
    """What a tool returned, as a result."""
    if isinstance(value, str):
        return {"content": [{"type": "text", "text": value}]}
    text = json.dumps(value)
    structured: Message = {"structuredContent": value} if isinstance(value, dict) else {}
    return {"content": [{"type": "text", "text": text}], **structured}


def failure(text: str) -> Message:
    """The result of a tool that failed."""
    return {"content": [{"type": "text", "text": text}], "isError": True}


def acknowledged(message: Message) -> Message:
    """What is said first on a subscription."""
    params = {"_meta": subscription(message["id"]), "notifications": message["params"].get("notifications", {})}
    return {"method": "notifications/subscriptions/acknowledged", "params": params}


def subscription(id: Any) -> Message:
    """The `_meta` of what is told on a subscription."""
    return {f"{_META}/subscriptionId": id}


def reply(message: Message, result: Message) -> Message:
    """The answer to a request."""
    return {"id": message["id"], "result": {"resultType": "complete", **result} if is_modern(message) else result}


def refusal(message: Message, code: int, reason: str) -> Message:
    """The error that answers a request."""
    return {"id": message["id"], "error": {"code": code, "message": reason}}


async def returned(value: Any) -> Any:
    """What a tool returned, or what that is an awaitable of."""
    return await cast(Awaitable[Any], value) if isinstance(value, Awaitable) else value

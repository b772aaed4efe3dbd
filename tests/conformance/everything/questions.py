"""What this server asks its clients for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import mcp_types as types


def form(message: str, properties: Mapping[str, Any], *, required: bool = True) -> types.ElicitRequest:
    """A question to the user, whose answer has these properties."""
    schema: dict[str, Any] = {"type": "object", "properties": dict(properties)}
    if required:
        schema["required"] = list(properties)
    return types.ElicitRequest(params=types.ElicitRequestFormParams(message=message, requested_schema=schema))


def sample(prompt: str, max_tokens: int = 100) -> types.CreateMessageRequest:
    """A question to the client's model."""
    message = types.SamplingMessage(role="user", content=types.TextContent(text=prompt))
    return types.CreateMessageRequest(
        params=types.CreateMessageRequestParams(messages=[message], max_tokens=max_tokens)
    )


def roots() -> types.ListRootsRequest:
    """The question for the client's folders."""
    return types.ListRootsRequest(params=types.RequestParams())

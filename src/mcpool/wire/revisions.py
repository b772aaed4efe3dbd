"""The protocol's own constants: revisions, reserved keys, error codes, and which method exists where.

Written down here because importing them from `mcp_types` costs a third of a second; a test holds the two equal.
"""

from __future__ import annotations

from typing import Final, Literal

Era = Literal["handshake", "modern"]
"""`handshake`: opened by `initialize`, up to 2025-11-25. `modern`: each request carries its context, 2026-07-28."""

HANDSHAKE_VERSIONS: Final = ("2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25")
MODERN_VERSIONS: Final = ("2026-07-28",)
KNOWN_VERSIONS: Final = HANDSHAKE_VERSIONS + MODERN_VERSIONS
"""Oldest first."""
LATEST_HANDSHAKE: Final = HANDSHAKE_VERSIONS[-1]
LATEST_MODERN: Final = MODERN_VERSIONS[-1]
BATCHING: Final = HANDSHAKE_VERSIONS[1]
"""The only revision in which several messages may come as one."""

RESERVED_META_PREFIX: Final = "io.modelcontextprotocol/"
META_PROTOCOL_VERSION: Final = "io.modelcontextprotocol/protocolVersion"
META_CLIENT_INFO: Final = "io.modelcontextprotocol/clientInfo"
META_CLIENT_CAPABILITIES: Final = "io.modelcontextprotocol/clientCapabilities"
META_LOG_LEVEL: Final = "io.modelcontextprotocol/logLevel"
META_SERVER_INFO: Final = "io.modelcontextprotocol/serverInfo"
META_SUBSCRIPTION_ID: Final = "io.modelcontextprotocol/subscriptionId"
META_RELATED_TASK: Final = "io.modelcontextprotocol/related-task"
PROGRESS_TOKEN: Final = "progressToken"

PARSE_ERROR: Final = -32700
INVALID_REQUEST: Final = -32600
METHOD_NOT_FOUND: Final = -32601
INVALID_PARAMS: Final = -32602
INTERNAL_ERROR: Final = -32603
REQUEST_TIMEOUT: Final = -32001
RESOURCE_NOT_FOUND: Final = -32002
"""Handshake revisions only; 2026-07-28 says `INVALID_PARAMS`."""
HEADER_MISMATCH: Final = -32020
MISSING_REQUIRED_CLIENT_CAPABILITY: Final = -32021
UNSUPPORTED_PROTOCOL_VERSION: Final = -32022
URL_ELICITATION_REQUIRED: Final = -32042
"""2025-11-25 only."""

_SHARED_REQUESTS = frozenset(
    {
        "completion/complete",
        "prompts/get",
        "prompts/list",
        "resources/list",
        "resources/read",
        "resources/templates/list",
        "tools/call",
        "tools/list",
    }
)
HANDSHAKE_REQUESTS: Final = _SHARED_REQUESTS | {
    "initialize",
    "logging/setLevel",
    "ping",
    "resources/subscribe",
    "resources/unsubscribe",
}
"""Requests that a client may send in every handshake revision."""
MODERN_REQUESTS: Final = _SHARED_REQUESTS | {"server/discover", "subscriptions/listen"}
"""Requests that a client may send in 2026-07-28."""

_SERVER_NOTIFICATIONS = frozenset(
    {
        "notifications/cancelled",
        "notifications/message",
        "notifications/progress",
        "notifications/prompts/list_changed",
        "notifications/resources/list_changed",
        "notifications/resources/updated",
        "notifications/tools/list_changed",
    }
)


def client_requests(version: str) -> frozenset[str]:
    """Request methods that a client may send at a known revision."""
    return MODERN_REQUESTS if version in MODERN_VERSIONS else HANDSHAKE_REQUESTS


def server_requests(version: str) -> frozenset[str]:
    """Request methods that a server may send at a known revision; none in 2026-07-28."""
    if version in MODERN_VERSIONS:
        return frozenset()
    asks = frozenset({"ping", "roots/list", "sampling/createMessage"})
    return asks if version in HANDSHAKE_VERSIONS[:2] else asks | {"elicitation/create"}


def server_notifications(version: str) -> frozenset[str]:
    """Notification methods that a server may send at a known revision."""
    if version in MODERN_VERSIONS:
        return _SERVER_NOTIFICATIONS | {"notifications/subscriptions/acknowledged"}
    if version == LATEST_HANDSHAKE:
        return _SERVER_NOTIFICATIONS | {"notifications/elicitation/complete"}
    return _SERVER_NOTIFICATIONS


INPUT_REQUIRED_METHODS: Final = frozenset({"tools/call", "prompts/get", "resources/read"})
"""2026-07-28 requests whose result may ask for input instead of answering."""
CACHEABLE_METHODS: Final = frozenset(
    {
        "prompts/list",
        "resources/list",
        "resources/read",
        "resources/templates/list",
        "server/discover",
        "tools/list",
    }
)
"""2026-07-28 requests whose result says how long, and for whom, it may be kept."""

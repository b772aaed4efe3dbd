"""The protocol's method names, by what the gateway does with them."""

from __future__ import annotations

from typing import Final

INITIALIZE: Final = "initialize"
DISCOVER: Final = "server/discover"
LISTEN: Final = "subscriptions/listen"
CALL: Final = "tools/call"
READ: Final = "resources/read"
PROMPT: Final = "prompts/get"
COMPLETE: Final = "completion/complete"
SET_LEVEL: Final = "logging/setLevel"
SUBSCRIBE: Final = "resources/subscribe"
UNSUBSCRIBE: Final = "resources/unsubscribe"
PING: Final = "ping"
LIST_TOOLS: Final = "tools/list"
LIST_PROMPTS: Final = "prompts/list"
LIST_RESOURCES: Final = "resources/list"
LIST_TEMPLATES: Final = "resources/templates/list"

ELICIT: Final = "elicitation/create"
ROOTS: Final = "roots/list"
SAMPLE: Final = "sampling/createMessage"

INITIALIZED: Final = "notifications/initialized"
CANCELLED: Final = "notifications/cancelled"
PROGRESS: Final = "notifications/progress"
LOG: Final = "notifications/message"
ROOTS_CHANGED: Final = "notifications/roots/list_changed"
TOOLS_CHANGED: Final = "notifications/tools/list_changed"
PROMPTS_CHANGED: Final = "notifications/prompts/list_changed"
RESOURCES_CHANGED: Final = "notifications/resources/list_changed"
RESOURCE_UPDATED: Final = "notifications/resources/updated"
ACKNOWLEDGED: Final = "notifications/subscriptions/acknowledged"

LIST_CHANGED: Final = frozenset({TOOLS_CHANGED, PROMPTS_CHANGED, RESOURCES_CHANGED})
NAME_FIELD: Final = {CALL: "name", PROMPT: "name", READ: "uri"}
"""The field that a 2026-07-28 request repeats in its `Mcp-Name` header."""
META: Final = "_meta"
INPUT_REQUESTS: Final = "inputRequests"
INPUT_RESPONSES: Final = "inputResponses"
REQUEST_STATE: Final = "requestState"
"""The two params of a 2026-07-28 request that is sent again with answers."""

HANDSHAKE_ONLY: Final = frozenset({INITIALIZE, PING, SET_LEVEL, SUBSCRIBE, UNSUBSCRIBE})
MODERN_ONLY: Final = frozenset({DISCOVER, LISTEN})

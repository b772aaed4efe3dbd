"""The keys of `[mcp_servers.NAME]`: one row each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from mcpool.config import parse as p

Part = Literal["server", "stdio", "http"]


@dataclass(frozen=True, slots=True)
class Key:
    """One key: what it is called, how its value is read, and which field it sets.

    `part` is the transport that it belongs to, or the server whatever its transport.
    `expands`: `${...}` is replaced in it.
    """

    name: str
    field: str
    parse: p.Parse
    part: Part = "server"
    expands: bool = False


_SECONDS = p.seconds(zero=False)
_SECONDS_OR_0 = p.seconds(zero=True)
_NAMES = p.list_of(p.text)

KEYS: tuple[Key, ...] = (
    Key("command", "command", p.text, "stdio", expands=True),
    Key("args", "args", p.list_of(p.any_text), "stdio", expands=True),
    Key("env", "env", p.environment, "stdio", expands=True),
    Key("env_vars", "env_vars", p.list_of(p.env_var), "stdio"),
    Key("cwd", "cwd", p.text, "stdio", expands=True),
    Key("url", "url", p.url, "http", expands=True),
    Key("bearer_token_env_var", "bearer_token_env_var", p.variable_name, "http"),
    Key("http_headers", "http_headers", p.headers, "http", expands=True),
    Key("env_http_headers", "env_http_headers", p.header_variables, "http"),
    Key("variables_source", "variables_source", p.one_of("local", "remote"), "http"),
    Key("http_headers_helper", "http_headers_helper", p.text, "http"),
    Key("auth", "auth", p.one_of("oauth", "chatgpt"), "http"),
    Key("oauth.client_id", "oauth_client_id", p.text, "http"),
    Key("oauth.client_secret", "oauth_client_secret", p.text, "http", expands=True),
    Key("oauth.private_key", "oauth_private_key", p.text, "http", expands=True),
    Key("oauth.grant_type", "oauth_grant_type", p.one_of("authorization_code", "client_credentials"), "http"),
    Key("oauth.issuer", "oauth_issuer", p.url, "http"),
    Key("oauth.callback_port", "oauth_callback_port", p.whole(1, 65535), "http"),
    Key("oauth_resource", "oauth_resource", p.text, "http"),
    Key("scopes", "scopes", _NAMES, "http"),
    Key("environment_id", "environment_id", p.text),
    Key("enabled", "enabled", p.boolean),
    Key("required", "required", p.boolean),
    # Both set one field, and the later row wins.
    Key("startup_timeout_ms", "startup_timeout", p.milliseconds),
    Key("startup_timeout_sec", "startup_timeout", _SECONDS),
    Key("tool_timeout_sec", "tool_timeout", _SECONDS),
    Key("progress_extends_timeout", "progress_extends_timeout", p.boolean),
    Key("tool_timeout_max_sec", "tool_timeout_max", _SECONDS),
    Key("question_timeout_sec", "question_timeout", _SECONDS),
    Key("supports_parallel_tool_calls", "supports_parallel_tool_calls", p.boolean),
    Key("omit_tools_from", "omit_tools_from", p.list_of(p.one_of("direct", "deferred", "code_mode"))),
    Key("default_tools_approval_mode", "default_tools_approval_mode", p.APPROVAL_MODE),
    Key("tools", "tools", p.tools),
    Key("enabled_tools", "enabled_tools", _NAMES),
    Key("disabled_tools", "disabled_tools", _NAMES),
    Key("scope", "scope", p.one_of("thread", "session-tree", "shared")),
    Key("retry", "retry", p.RETRY),
    Key("start", "start", p.one_of("lazy", "eager")),
    Key("idle_timeout_sec", "idle_timeout", _SECONDS_OR_0),
    Key("stop_when_unused", "stop_when_unused", p.boolean),
    Key("restart_max", "restart_max", p.whole(0, 1_000_000)),
    Key("restart_window_sec", "restart_window", _SECONDS),
    Key("heartbeat_sec", "heartbeat", _SECONDS_OR_0),
    Key("era", "era", p.one_of("auto", "handshake", "modern")),
    Key("client_capabilities", "client_capabilities", p.one_of("all", "none", "mirror")),
    Key("when_asking", "when_asking", p.one_of("overflow", "serialise", "isolate", "decline")),
    Key("overlap", "overlap", p.boolean),
    Key("max_message_bytes", "max_message_bytes", p.whole(1024, 2**40)),
)

GROUPS = frozenset(key.name.partition(".")[0] for key in KEYS if "." in key.name)
"""Keys that are tables of further keys: `oauth`."""

IGNORED = frozenset({"name"})
"""Accepted and without effect: older files have them."""

"""What a configuration says of one server, validated and with its variables expanded. A plain value."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal
from urllib.parse import urlsplit

ApprovalMode = Literal["auto", "prompt", "writes", "approve"]
Scope = Literal["thread", "session-tree", "shared"]
Retry = Literal["safe", "never", "always"]
Start = Literal["lazy", "eager"]
ClientCapabilitiesMode = Literal["all", "none", "mirror"]
WhenAsking = Literal["overflow", "serialise", "isolate", "decline"]
EraWish = Literal["auto", "handshake", "modern"]
Surface = Literal["direct", "deferred", "code_mode"]
Pairs = tuple[tuple[str, str], ...]
"""A mapping as sorted pairs, so that equal configurations are equal and hashable values."""

SignsInBy = Literal["command", "thread"]
"""With `mcpool auth`, or with `Thread.sign_in`."""

CLIENT_CWD = "client"
"""The `cwd` of a server that follows the folder of the thread that uses it."""

LOCAL = "local"
"""The id of the environment that is this machine."""


@dataclass(frozen=True, slots=True)
class EnvVar:
    """A variable to copy into the server's environment: from this host, or from the executor it runs on."""

    name: str
    source: Literal["local", "remote"] = "local"


@dataclass(frozen=True, slots=True)
class Stdio:
    """A server reached through the pipes of a process."""

    command: str
    args: tuple[str, ...] = field(default=(), repr=False)
    env: Pairs = field(default=(), repr=False)
    env_vars: tuple[EnvVar, ...] = ()
    cwd: str = CLIENT_CWD


@dataclass(frozen=True, slots=True)
class Http:
    """A server reached by streamable HTTP."""

    url: str = field(repr=False)
    bearer_token_env_var: str | None = None
    http_headers: Pairs = field(default=(), repr=False)
    env_http_headers: Pairs = ()
    """Header name to the name of the environment variable that holds its value."""
    variables_source: Literal["local", "remote"] = "local"
    """Whose variables these two name: this host's, or those of the executor through which it is reached."""
    http_headers_helper: str | None = None
    auth: Literal["oauth", "chatgpt"] = "oauth"
    scopes: tuple[str, ...] = ()
    oauth_client_id: str | None = None
    oauth_client_secret: str | None = field(default=None, repr=False)
    oauth_private_key: str | None = field(default=None, repr=False)
    """In PEM, in place of a secret."""
    oauth_grant_type: Literal["authorization_code", "client_credentials"] = "authorization_code"
    """Whether a person signs in, or the client by itself."""
    oauth_issuer: str | None = None
    """The only one that is shown the credentials of a client that signs in by itself."""
    oauth_callback_port: int | None = None
    oauth_resource: str | None = None
    signs_in_by: SignsInBy = "command"
    """How a person signs in: the command line does not know what was chosen for one thread of a program."""

    @property
    def host(self) -> str:
        """Where it is, for a person: all else in a URL may be secret."""
        return urlsplit(self.url).netloc.rpartition("@")[2]


Definition = tuple[str, str, Stdio | Http]
"""The name of a server, its environment and its transport."""


@dataclass(frozen=True, slots=True)
class ToolConfig:
    """Settings of one tool, by its raw name; None inherits the server's."""

    approval_mode: ApprovalMode | None = None
    retry: Retry | None = None
    approved_definition: str | None = None
    """The digest (SHA-256 in hex) of the definition for which `approve` holds; None: for any."""


@dataclass(frozen=True, slots=True)
class ServerConfig:
    """One `[mcp_servers.NAME]`. Times are seconds."""

    name: str
    transport: Stdio | Http
    environment_id: str = LOCAL
    enabled: bool = True
    required: bool = False
    startup_timeout: float = 30.0
    tool_timeout: float = 300.0
    progress_extends_timeout: bool = False
    """Whether `tool_timeout` counts from the last progress that a call reported, up to `tool_timeout_max` in all."""
    tool_timeout_max: float = 3600.0
    question_timeout: float = 3600.0
    """How long a person may take to answer what it asks."""
    supports_parallel_tool_calls: bool = False
    omit_tools_from: tuple[Surface, ...] | None = None
    default_tools_approval_mode: ApprovalMode | None = None
    tools: tuple[tuple[str, ToolConfig], ...] = ()
    enabled_tools: tuple[str, ...] | None = None
    """Allow-list of raw tool names; None allows all."""
    disabled_tools: tuple[str, ...] = ()
    scope: Scope | None = None
    """None is the transport's default: `shared` for stdio, `thread` for HTTP."""
    retry: Retry = "safe"
    start: Start = "lazy"
    idle_timeout: float = 300.0
    stop_when_unused: bool = False
    restart_max: int = 5
    restart_window: float = 60.0
    heartbeat: float = 60.0
    """Seconds between health checks of an idle connection; 0 turns them off."""
    era: EraWish = "auto"
    """The protocol era to speak to it, if it can; `auto` prefers the modern one."""
    client_capabilities: ClientCapabilitiesMode = "all"
    when_asking: WhenAsking = "overflow"
    overlap: bool = True
    max_message_bytes: int = 64 * 1024 * 1024
    connectors: bool = False
    """It is the host's own server for connectors: it may say to which of them its tools belong. `[connectors]` alone
    sets this."""
    file: str | None = field(default=None, compare=False)
    """Where it was written, for messages; no part of what it is."""
    line: int | None = field(default=None, compare=False)

    @property
    def definition(self) -> Definition:
        """What it is and how it is reached; the rest says how it is used."""
        return self.name, self.environment_id, self.transport

    @property
    def effective_scope(self) -> Scope:
        """The scope in force, the transport's default included."""
        if self.scope is not None:
            return self.scope
        return "shared" if isinstance(self.transport, Stdio) else "thread"


def approving(server: ServerConfig, tool: str, digest: str) -> ServerConfig:
    """The server with a tool approved as it is defined by the definition of this digest."""
    tools = dict(server.tools)
    tools[tool] = replace(tools.get(tool, ToolConfig()), approval_mode="approve", approved_definition=digest)
    return replace(server, tools=tuple(sorted(tools.items())))

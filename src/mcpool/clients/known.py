"""The clients that mcpool installs itself into: where their files are, and what an entry in them looks like."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from mcpool.config.problem import KeyPath
from mcpool.config.table import Table, as_list, as_table

CONNECTION = frozenset(
    (
        *("type", "transport", "source", "command", "args", "env", "environment", "env_vars", "envFile", "cwd"),
        *("url", "httpUrl", "serverUrl", "headers", "http_headers", "env_http_headers", "http_headers_helper"),
        *("headersHelper", "bearer_token_env_var", "oauth", "auth", "authProviderType", "scopes", "oauth_resource"),
        *("gallery", "version", "dev"),
    )
)
"""Keys that say how a server is reached, in one client or another. All others are the client's own choices and stay."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where to look: the user's home folder, variables, and `sys.platform`."""

    home: Path
    environ: Mapping[str, str]
    platform: str

    def variable(self, name: str, otherwise: Path) -> Path:
        """The folder that a variable names, or another one."""
        chosen = self.environ.get(name, "")
        return Path(chosen) if chosen.startswith("/") else otherwise

    @property
    def config(self) -> Path:
        """Where programs of a terminal keep their settings."""
        return self.variable("XDG_CONFIG_HOME", self.home / ".config")

    @property
    def applications(self) -> Path:
        """Where applications with windows keep theirs."""
        return self.home / "Library/Application Support" if self.platform == "darwin" else self.config


@dataclass(frozen=True, slots=True)
class Launch:
    """How a client starts the shim for one server."""

    command: str
    args: tuple[str, ...]
    env: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Client:
    """One client. `files` are those of its files that there are, or the one to make."""

    name: str
    """What it is called on the command line, and what its token is called."""
    title: str
    files: Callable[[Place], list[Path]]
    container: Callable[[Table], KeyPath]
    """Under which keys its servers stand, in a file with this content."""
    started: Callable[[Launch], dict[str, object]]
    """The entry of a server that it starts."""
    visited: Callable[[str, Mapping[str, str]], dict[str, object]] | None
    """The entry of a server that it reaches at a URL with these headers; None if its file can't have such."""
    reload: str
    """How it takes notice."""


def _under(*keys: str) -> Callable[[Table], KeyPath]:
    return lambda _: keys


def _opencode_container(data: Table) -> KeyPath:
    """Releases before the second have their servers directly under `mcp`."""
    inner = as_table(data.get("mcp")) or {}
    direct = any(as_table(value) is not None for name, value in inner.items() if name != "servers")
    return ("mcp",) if direct and as_table(inner.get("servers")) is None else ("mcp", "servers")


def _plain(launch: Launch) -> dict[str, object]:
    entry: dict[str, object] = {"command": launch.command, "args": list(launch.args)}
    return {**entry, "env": dict(launch.env)} if launch.env else entry


def _typed(launch: Launch) -> dict[str, object]:
    return {"type": "stdio", **_plain(launch)}


def _custom(launch: Launch) -> dict[str, object]:
    return {"source": "custom", **_plain(launch)}


def _local(launch: Launch) -> dict[str, object]:
    entry: dict[str, object] = {"type": "local", "command": [launch.command, *launch.args]}
    return {**entry, "environment": dict(launch.env)} if launch.env else entry


def _http(url: str, headers: Mapping[str, str]) -> dict[str, object]:
    return {"type": "http", "url": url, "headers": dict(headers)}


def _url(url: str, headers: Mapping[str, str]) -> dict[str, object]:
    return {"url": url, "headers": dict(headers)}


def _codex(url: str, headers: Mapping[str, str]) -> dict[str, object]:
    return {"url": url, "http_headers": dict(headers)}


def _gemini(url: str, headers: Mapping[str, str]) -> dict[str, object]:
    return {"httpUrl": url, "headers": dict(headers)}


def _remote(url: str, headers: Mapping[str, str]) -> dict[str, object]:
    return {"type": "remote", "url": url, "headers": dict(headers)}


def _vscode_files(place: Place) -> list[Path]:
    folders = [place.applications / edition / "User" for edition in ("Code", "Code - Insiders", "VSCodium")]
    return [folder / "mcp.json" for folder in folders if folder.is_dir()] or [folders[0] / "mcp.json"]


def _opencode_files(place: Place) -> list[Path]:
    chosen = place.environ.get("OPENCODE_CONFIG", "")
    if chosen.startswith("/"):
        return [Path(chosen)]
    folder = place.config / "opencode"
    found = [file for name in ("opencode.jsonc", "opencode.json") if (file := folder / name).exists()]
    return found[:1] or [folder / "opencode.json"]


_SERVERS = _under("mcpServers")
_RESTART = "it reads the file when it is started"
_BY_ITSELF = "it sees the change by itself"

CLIENTS = (
    Client(
        "claude-code",
        "Claude Code",
        lambda place: [place.variable("CLAUDE_CONFIG_DIR", place.home) / ".claude.json"],
        _SERVERS,
        _typed,
        _http,
        _RESTART,
    ),
    Client(
        "claude-desktop",
        "Claude Desktop",
        lambda place: [place.applications / "Claude/claude_desktop_config.json"],
        _SERVERS,
        _plain,
        None,
        _RESTART,
    ),
    Client(
        "codex",
        "Codex",
        lambda place: [place.variable("CODEX_HOME", place.home / ".codex") / "config.toml"],
        _under("mcp_servers"),
        _plain,
        _codex,
        _RESTART,
    ),
    Client("cursor", "Cursor", lambda place: [place.home / ".cursor/mcp.json"], _SERVERS, _plain, _url, _BY_ITSELF),
    Client("vscode", "VS Code", _vscode_files, _under("servers"), _typed, _http, _BY_ITSELF),
    Client(
        "gemini",
        "Gemini CLI",
        lambda place: [place.home / ".gemini/settings.json"],
        _SERVERS,
        _plain,
        _gemini,
        _RESTART,
    ),
    Client(
        "zed",
        "Zed",
        lambda place: [place.config / "zed/settings.json"],
        _under("context_servers"),
        _custom,
        _url,
        _BY_ITSELF,
    ),
    Client("opencode", "opencode", _opencode_files, _opencode_container, _local, _remote, _RESTART),
)


def is_entry_of(client: Client, path: KeyPath, data: Table) -> bool:
    """Whether what stands at this path is a server of the client: for the user, or for one project of theirs."""
    container = client.container(data)
    return path[:-1] == container or (client.name == "claude-code" and path[0] == "projects")


def words_of(entry: Table) -> list[str]:
    """The command line of an entry, however the client writes it."""
    command = entry.get("command")
    inner = as_table(command)
    parts = (
        [inner.get("path"), *(as_list(inner.get("args")) or [])] if inner is not None else as_list(command) or [command]
    )
    return [word for word in (*parts, *(as_list(entry.get("args")) or [])) if isinstance(word, str)]


def server_reached(entry: Table) -> str | None:
    """Which of mcpool's servers an entry starts the shim for: "" for all of them, None if it is no such entry.

    What follows the name in a query (`git?tools=search`) is left out.
    """
    selected = selection_of(entry)
    return None if selected is None else selected.partition("?")[0]


def selection_of(entry: Table) -> str | None:
    """What an entry has the shim offer, as it is written: the name of a server or nothing, and perhaps a query."""
    words = words_of(entry)
    names = [word.rsplit("/", 1)[-1] for word in words]
    if "mcpool" not in names or "connect" not in words[names.index("mcpool") :]:
        return None
    following = words[words.index("connect", names.index("mcpool")) + 1 :]
    return following[0] if following else ""

"""What to paste into the common clients: one entry per server, through the shim, so that no file holds a secret."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Snippet:
    """Text for one kind of client. `where` says into which file it goes, or that it is a command to run."""

    client: str
    where: str
    text: str


@dataclass(frozen=True, slots=True)
class ShimCommand:
    """How clients start the shim."""

    command: str
    prefix: tuple[str, ...] = ()
    """Arguments before `connect`."""
    env: tuple[tuple[str, str], ...] = ()


def shim_command(environ: Mapping[str, str], argv0: str) -> ShimCommand:
    """`mcpool` where that is this program; else its full path. A home of its own goes along as a variable."""
    chosen = environ.get("MCPOOL_HOME")
    env = (("MCPOOL_HOME", os.path.abspath(os.path.expanduser(chosen))),) if chosen else ()
    script = os.path.abspath(argv0)
    found = shutil.which("mcpool", path=environ.get("PATH"))
    if os.path.basename(script) == "mcpool" and os.access(script, os.X_OK):
        same = found is not None and os.path.realpath(found) == os.path.realpath(script)
        return ShimCommand("mcpool" if same else script, (), env)
    return ShimCommand(sys.executable, ("-m", "mcpool"), env)


def snippets(servers: Sequence[str], shim: ShimCommand) -> list[Snippet]:
    """The entries for these servers, for each kind of client."""
    entries = {server: _entry(server, shim) for server in servers}
    return [
        Snippet("Claude Code", "run", "\n".join(_claude(server, shim) for server in servers)),
        Snippet("Codex", "~/.codex/config.toml", "\n\n".join(_toml(server, shim) for server in servers)),
        Snippet(
            "Cursor, Claude Desktop, Gemini CLI",
            "~/.cursor/mcp.json, claude_desktop_config.json, ~/.gemini/settings.json",
            _json("mcpServers", entries),
        ),
        Snippet("VS Code", ".vscode/mcp.json", _json("servers", entries)),
    ]


def _arguments(server: str, shim: ShimCommand) -> list[str]:
    return [*shim.prefix, "connect", server]


def _entry(server: str, shim: ShimCommand) -> dict[str, Any]:
    entry: dict[str, Any] = {"command": shim.command, "args": _arguments(server, shim)}
    return {**entry, "env": dict(shim.env)} if shim.env else entry


def _json(key: str, entries: Mapping[str, Mapping[str, Any]]) -> str:
    # A line per server: what json.dumps would indent is four times as long and no easier to read.
    lines = [
        f"    {json.dumps(name, ensure_ascii=False)}: {json.dumps(entry, ensure_ascii=False)}"
        for name, entry in entries.items()
    ]
    return "\n".join(["{", f"  {json.dumps(key)}: {{", ",\n".join(lines), "  }", "}"])


def _claude(server: str, shim: ShimCommand) -> str:
    env = [word for name, value in shim.env for word in ("-e", f"{name}={value}")]
    return shlex.join(["claude", "mcp", "add", server, *env, "--", shim.command, *_arguments(server, shim)])


def _toml(server: str, shim: ShimCommand) -> str:
    # A JSON string or list of strings is the same in TOML.
    key = server if all(char.isalnum() or char in "-_" for char in server) and server.isascii() else json.dumps(server)
    lines = [
        f"[mcp_servers.{key}]",
        f"command = {json.dumps(shim.command)}",
        f"args = {json.dumps(_arguments(server, shim))}",
    ]
    if shim.env:
        lines.append("env = { " + ", ".join(f"{name} = {json.dumps(value)}" for name, value in shim.env) + " }")
    return "\n".join(lines)

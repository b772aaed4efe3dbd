"""The gateways that are compared: how each is started in front of the echo server, and how it is spoken to."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.http_client import EventStreamSession, Session, StreamableSession
from benchmarks.paths import ECHO, HERE, INSTALLED


@dataclass(frozen=True, slots=True)
class Running:
    """A gateway that has been started; it may not be ready yet."""

    process: subprocess.Popen[bytes]
    session: Callable[[], Session]
    """Makes one more client."""


@dataclass(frozen=True, slots=True)
class Gateway:
    """One subject. `start` gets a port and an empty folder; `missing` says why it cannot be measured here."""

    name: str
    title: str
    start: Callable[[int, Path], Running]
    missing: Callable[[], str | None] = field(default=lambda: None)


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


def spawn(command: list[str], folder: Path, **environment: str) -> subprocess.Popen[bytes]:
    """Start a process in a session of its own, its output in a file of `folder`."""
    with (folder / "output").open("wb") as output:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            env={**os.environ, **environment},
        )


def _floor(port: int, folder: Path) -> Running:
    process = spawn([sys.executable, str(HERE / "servers" / "splice.py"), str(port), *ECHO], folder)
    return Running(process, lambda: StreamableSession(f"http://127.0.0.1:{port}/mcp", {}))


def mcpool_home(folder: Path, port: int) -> Path:
    """A configuration with the echo server, in a home of its own."""
    arguments = ", ".join(json.dumps(part) for part in ECHO[1:])
    home = folder / "home"
    home.mkdir(mode=0o700)
    server = f'[mcp_servers.bench]\ncommand = {json.dumps(ECHO[0])}\nargs = [{arguments}]\ncwd = "/"\n'
    (home / "config.toml").write_text(f"[daemon]\nport = {port}\n\n{server}")
    return home


def _mcpool(port: int, folder: Path) -> Running:
    home = mcpool_home(folder, port)
    process = spawn([sys.executable, "-m", "mcpool", "up", "--port", str(port)], folder, MCPOOL_HOME=str(home))

    def session() -> Session:
        token = (home / "tokens" / "default").read_text().strip()
        return StreamableSession(f"http://127.0.0.1:{port}/mcp/bench", {"Authorization": f"Bearer {token}"})

    return Running(process, session)


def _fastmcp(port: int, folder: Path) -> Running:
    process = spawn([sys.executable, str(HERE / "servers" / "fastmcp_proxy.py"), str(port), *ECHO], folder)
    return Running(process, lambda: StreamableSession(f"http://127.0.0.1:{port}/mcp", {}))


_MCP_PROXY = INSTALLED / "python" / "bin" / "mcp-proxy"
_MCP_HUB = INSTALLED / "node" / "node_modules" / "mcp-hub" / "dist" / "cli.js"


def _mcp_proxy(port: int, folder: Path) -> Running:
    command = [str(_MCP_PROXY), "--port", str(port), "--log-level", "WARNING", "--", *ECHO]
    process = spawn(command, folder)
    return Running(process, lambda: StreamableSession(f"http://127.0.0.1:{port}/mcp", {}))


def _mcp_hub(port: int, folder: Path) -> Running:
    config = folder / "servers.json"
    config.write_text(json.dumps({"mcpServers": {"bench": {"command": ECHO[0], "args": list(ECHO[1:])}}}))
    command = [shutil.which("node") or "node", str(_MCP_HUB), "--port", str(port), "--config", str(config)]
    places = {name: str(folder) for name in ("HOME", "XDG_STATE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME")}
    process = spawn(command, folder, **places)
    return Running(process, lambda: EventStreamSession(f"http://127.0.0.1:{port}/mcp", {}))


def _needs(path: Path) -> Callable[[], str | None]:
    return lambda: None if path.exists() else f"not installed: {path.name}; `make bench` installs it"


GATEWAYS = (
    Gateway("floor", "bare ASGI splice (floor)", _floor),
    Gateway("mcpool", "mcpool gateway", _mcpool),
    Gateway("mcp_hub", "mcp-hub 4.2.1", _mcp_hub, _needs(_MCP_HUB)),
    Gateway("mcp_proxy", "mcp-proxy 0.13.0", _mcp_proxy, _needs(_MCP_PROXY)),
    Gateway("fastmcp", "fastmcp proxy", _fastmcp),
)

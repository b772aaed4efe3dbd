"""The daemon of a home: one host, reached over TCP and over a Unix socket, from its start to its orderly end."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import sys
import time
from collections.abc import AsyncGenerator, Callable, Coroutine, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import asdict, dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mcpool._version import __version__
from mcpool.config import load
from mcpool.config.expand import Secret
from mcpool.config.home import ensure_home, home_key
from mcpool.config.loading import keyring
from mcpool.config.server import ServerConfig
from mcpool.errors import ConfigError, DaemonError, McpoolError
from mcpool.gateway.activity import Activity
from mcpool.gateway.http_face import http_face
from mcpool.gateway.port import LOOPBACK, bind_loopback
from mcpool.gateway.record import DaemonRecord
from mcpool.gateway.refusal import refusal
from mcpool.gateway.tokens import TokenStore
from mcpool.gateway.unix_face import Stream, UnixFace, listening
from mcpool.launch.environment import base_environment
from mcpool.launch.memory import memory_of
from mcpool.rendezvous import socket_path

if TYPE_CHECKING:
    from mcpool.config.client import ClientConfig
    from mcpool.config.problem import Problem
    from mcpool.gateway.app import Gateway
    from mcpool.host import Host
    from mcpool.host.watching import Applied, OnApplied

log = logging.getLogger("mcpool.daemon")

LOCAL_PRINCIPAL = "local"
"""On whose behalf clients of the Unix socket speak: whoever can open it is this user."""

Source = Path | Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class DaemonOptions:
    """What a daemon is told at its start; None leaves it to the configuration."""

    home: Path
    config: Path | None = None
    port: int | None = None
    leaves_when_idle: bool = False
    asks_login_shell: bool = True
    """Whether variables come from the user's login shell, and not from whoever starts it."""


def demo_servers(folder: Path) -> dict[str, Any]:
    """What runs when nothing at all is configured: the bundled demo server, in one folder for all clients."""
    demo = {"command": sys.executable, "args": ["-m", "mcpool.demo"], "cwd": str(folder)}
    return {"mcp_servers": {"demo": demo}}


def configured(options: DaemonOptions) -> Source:
    """The configuration in force: the given file, the home's own, or the demo server where there is none."""
    if options.config is not None:
        return options.config
    own = options.home / "config.toml"
    return own if own.exists() else demo_servers(Path.cwd())


def _log_applied(applied: Applied) -> None:
    from mcpool.host.watching import log_applied

    log_applied(applied)


class Daemon:
    """A running daemon. Made by `running`."""

    def __init__(self, options: DaemonOptions, host: Host, gateway: Gateway, record: DaemonRecord) -> None:
        self.options = options
        self.host = host
        self.record = record
        self.activity = Activity()
        self.face: UnixFace | None = None
        self._gateway = gateway
        self.on_applied: OnApplied = _log_applied
        """Hears what an edit of the configuration did."""
        self._stopping = asyncio.Event()
        self.reason = ""

    def stop(self, reason: str) -> None:
        """Ask it to end; `reason` goes to its log."""
        if not self._stopping.is_set():
            self.reason = reason
            self._stopping.set()

    async def stopped(self) -> None:
        """Return when it was asked to end."""
        await self._stopping.wait()

    async def watch_idleness(self, seconds: float) -> None:
        """End it when it has had no clients for so long."""
        await self.activity.idle_for(seconds)
        self.stop(f"no clients for {seconds:.0f} s")

    # What the Unix socket offers (unix_face.Services)

    def refusal(self, server: str, cwd: str | None = None) -> str | None:
        """Why a client in this folder can't have this server; None if it can."""
        servers = self.host.servers
        refused = refusal(server, servers, self.host.problems) or self._forbidden(server, servers)
        if refused is None or cwd is None:
            return refused
        try:
            project = self.host.project_around(cwd)
        except ConfigError as error:
            return f"{refused}; {error}"
        if project is None:
            return refused
        servers = (*servers, *project.servers)
        if refusal(server, servers) is None:
            return self._forbidden(server, servers)
        mentioned = [str(one) for one in project.problems if one.concerns(server) or f"`{server}`" in one.message]
        return "; ".join((refused, *mentioned))

    def _forbidden(self, server: str, servers: Sequence[ServerConfig]) -> str | None:
        why = self.host.forbidden(server, servers)
        return None if why is None else f"`{server}`: {why}"

    def open_stream(
        self, *, route: str | None, whole: bool, cwd: str, write: Callable[[bytes], None], backlog: Callable[[], int]
    ) -> Stream:
        """Take in a client of the Unix socket."""
        from mcpool.gateway.stream_client import StreamClient

        return StreamClient(
            self._gateway,
            route=route,
            whole=whole,
            cwd=cwd,
            principal=LOCAL_PRINCIPAL,
            write=write,
            backlog=backlog,
        )

    async def control(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        """Carry out a request of `mcpool status` and the like."""
        match method:
            case "status":
                return await self._measured_status()
            case "apply":
                result = await self._apply()
                await self.host.settled()
                return result
            case "reload":
                result = await self._apply()
                self.host.reload()
                await self.host.settled()
                return result
            case "reconnect":
                return await self._reconnect(str(params.get("server")))
            case "environments":
                if "reach" in params:
                    await self.host.environments.reached(str(params["reach"]))
                return {"environments": self._environments()}
            case "stop":
                self.stop("`mcpool stop`")
                return {"pid": self.record.pid}
            case _:
                raise DaemonError(f"the daemon, mcpool {__version__}, knows no control request `{method}`")

    async def _reconnect(self, server: str) -> dict[str, Any]:
        refused = self.refusal(server)
        if refused is not None:
            raise DaemonError(refused)
        before, begun = self._pids(server), time.monotonic()
        await self.host.reconnect(server)
        return {"before": before, "after": self._pids(server), "seconds": round(time.monotonic() - begun, 3)}

    def _pids(self, server: str) -> list[int]:
        return [health.pid for health in self.host.health() if health.server == server and health.pid is not None]

    async def watch(self) -> None:
        """Take over edits of the configuration, until this is cancelled."""
        own = self.options.config or self.options.home / "config.toml"
        await self.host.watch(lambda applied: self.on_applied(applied), apply=self._read_again, files=[own])

    async def _apply(self) -> dict[str, Any]:
        problems = await self._read_again()
        errors = sum(problem.severity == "error" for problem in problems)
        return {"problems": [str(problem) for problem in problems], "errors": errors}

    async def _read_again(self) -> tuple[Problem, ...]:
        before = self._enabled()
        problems = await self.host.read_again(configured(self.options))
        gone = before - self._enabled()
        if self.face is not None and gone:
            reason = "this server was taken out of the configuration"
            self.face.dismiss({"bye": "end", "reason": reason}, lambda server: server in gone)
        return problems

    def _enabled(self) -> set[str]:
        return {server.name for server in self.host.servers if server.enabled}

    def _environments(self) -> list[dict[str, Any]]:
        return [asdict(status) for status in self.host.environments.all()]

    async def _measured_status(self) -> dict[str, Any]:
        from mcpool.host.rows import rows

        found = self.host.health()
        memory = await asyncio.to_thread(memory_of, {health.pid for health in found if health.pid is not None})
        return {**self.status(), "servers": rows(found, memory)}

    def status(self) -> dict[str, Any]:
        """What `mcpool status --json` prints, without the servers' memory."""
        record = self.record
        return {
            "endpoint": record.endpoint,
            "token_file": record.token_file,
            "socket": record.socket,
            "pid": record.pid,
            "servers": self.host.status(),
            "version": record.version,
            "uptime": round(time.time() - record.started, 1),
            "clients": self._gateway.sessions + (0 if self.face is None else self.face.clients),
            "config": record.config or _file_of(configured(self.options)),
            "problems": [str(problem) for problem in self.host.problems] + _token_problems(self.options.home),
            "environments": self._environments(),
        }


def _token_problems(home: Path) -> list[str]:
    try:
        TokenStore(home).read()
    except DaemonError as error:
        return [f"{error}; until then clients by URL need another token"]
    return []


def _file_of(source: Source) -> str | None:
    return str(source) if isinstance(source, Path) else None


@asynccontextmanager
async def running(options: DaemonOptions, environ: Mapping[str, str]) -> AsyncGenerator[Daemon]:
    """Run the daemon of a home during the block. The caller holds the lock of the home.

    Raises:
        McpoolError: it can't be started; the message says why and what to do.
    """
    home = ensure_home(options.home)
    environ = await _environment(environ, home, login=options.asks_login_shell)
    source = configured(options)
    secret = keyring()  # one for all that is read: so a keyring that is locked is waited for once
    config = await asyncio.to_thread(load, source, home=home, environ=environ, secret=secret)
    config.require()
    port = config.daemon.port if options.port is None else options.port
    tokens = TokenStore(home)
    token_file = tokens.create()
    for problem in _token_problems(home):
        log.warning("%s", problem)
    async with AsyncExitStack() as stack:
        # The port first: it is what most often can't be had, and nothing has been started for nothing then.
        sock = bind_loopback(port)
        stack.callback(sock.close)
        host = await stack.enter_async_context(_open_host(source, home, environ, secret))
        gateway = _make_gateway(host, home, tokens)
        stack.push_async_callback(gateway.close)
        record = _record(options, sock, token_file)
        daemon = Daemon(options, host, gateway, record)
        tasks = await stack.enter_async_context(asyncio.TaskGroup())
        face = daemon.face = UnixFace(daemon, _spawner(tasks), daemon.activity.use)
        await stack.enter_async_context(http_face(daemon.activity.watching(gateway), sock))
        await stack.enter_async_context(listening(record.socket, face))
        record.write(home)
        stack.callback(record.remove, home)
        log.info("ready on %s and %s, pid %d", record.endpoint, record.socket, record.pid)
        idle = asyncio.create_task(_idle(daemon, config.daemon.idle_exit), name="idle")
        watching = asyncio.create_task(daemon.watch(), name="watch")
        try:
            yield daemon
        finally:
            log.info("stopping: %s", daemon.reason or "an error")
            for task in (idle, watching):
                task.cancel()
            await asyncio.wait([idle, watching])
            face.dismiss({"bye": "stop"})
            # Before the HTTP server: it waits for streams to end, and this ends them.
            await gateway.close()


async def _environment(environ: Mapping[str, str], home: Path, *, login: bool) -> Mapping[str, str]:
    async with asyncio.TaskGroup() as tasks:
        asking = tasks.create_task(base_environment(environ, home, login=login))
        # The user's login shell takes as long as our imports do: it runs while they are made.
        await asyncio.sleep(0)
        _import_the_rest()
    base = asking.result()
    for problem in base.problems:
        log.warning("%s", problem)
    return base.lookup


def _import_the_rest() -> None:
    for module in ("mcpool.host", "mcpool.gateway.app", "mcpool.gateway.stream_client", "uvicorn"):
        import_module(module)


async def _idle(daemon: Daemon, seconds: float) -> None:
    if daemon.options.leaves_when_idle and seconds > 0:
        await daemon.watch_idleness(seconds)


def _open_host(source: Source, home: Path, environ: Mapping[str, str], secret: Secret) -> Host:
    from mcpool.host import open

    return open(source, home=home, environ=environ, secret=secret, projects=True)


def _make_gateway(host: Host, home: Path, tokens: TokenStore) -> Gateway:
    from mcpool.config.client import EVERYTHING
    from mcpool.gateway.app import Gateway

    def client(principal: str) -> ClientConfig:
        return host.clients.get(principal, EVERYTHING)

    return Gateway(host, key=home_key(home), tokens=tokens, version=__version__, clients=client)


def _record(options: DaemonOptions, sock: socket.socket, token_file: Path) -> DaemonRecord:
    return DaemonRecord(
        pid=os.getpid(),
        version=__version__,
        endpoint=f"http://{LOOPBACK}:{sock.getsockname()[1]}/mcp",
        socket=socket_path(str(options.home)),
        token_file=str(token_file),
        started=time.time(),
        config=None if options.config is None else str(options.config),
        port=options.port,
    )


def _spawner(tasks: asyncio.TaskGroup) -> Callable[[Coroutine[Any, Any, None]], object]:
    async def contained(work: Coroutine[Any, Any, None]) -> None:
        # What goes wrong for one client must not end the others' connections, as an error in the group would.
        try:
            await work
        except McpoolError as error:
            log.warning("%s", error)
        except Exception:
            log.exception("a client's connection failed; this is a defect of mcpool")

    def spawn(work: Coroutine[Any, Any, None]) -> object:
        return tasks.create_task(contained(work))

    return spawn

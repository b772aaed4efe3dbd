"""Starting servers on this machine."""

from __future__ import annotations

import asyncio
import os
import secrets
import subprocess
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from mcpool.errors import ServerUnavailable
from mcpool.launch.command import find_command, why_not_startable, why_start_failed
from mcpool.launch.containers import SERVER_LABEL, container_run, remove_containers
from mcpool.launch.local_link import LocalLink, Patience, StartedProcess
from mcpool.launch.process_table import HOST_COOKIE, SERVER_COOKIE
from mcpool.launch.server_log import ServerLogs
from mcpool.launch.spec import LaunchSpec
from mcpool.launch.to_the_end import to_the_end
from mcpool.wire.link import Sink


class Guard(Protocol):
    """Who ends what this host started if the host can't: the warden."""

    def watch(self, pgid: int, label: str) -> None:
        """From now on this process group is ended if the host dies. `label` is for messages."""
        ...

    def unwatch(self, pgid: int) -> None:
        """That group is gone."""
        ...


def _ignore(client: Sequence[str]) -> None:
    """Nobody needs to know of containers."""


class LocalLauncher:
    """Starts servers as processes of this machine, each in its own session. Close it to end all that still run."""

    def __init__(
        self,
        home: Path,
        warden: Guard | None,
        cookie: str,
        log_dir: Path | None = None,
        *,
        patience: Patience | None = None,
        on_container: Callable[[Sequence[str]], None] = _ignore,
    ) -> None:
        """`cookie` is the host's (`HostCookie.text`); `on_container` hears of a container program before its first use.

        `log_dir` is `home/logs` unless given.
        """
        self._warden = warden
        self._cookie = cookie
        self._logs = ServerLogs(log_dir or home / "logs")
        self._patience = patience or Patience()
        self._on_container = on_container
        self._links: set[LocalLink] = set()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def start(
        self, spec: LaunchSpec, sink: Sink, *, on_stderr: Callable[[bytes], None] | None = None
    ) -> LocalLink:
        """Start the process and return its link; `sink`, and `on_stderr`, hear of it from then on.

        Raises:
            ServerUnavailable: the command was not found or can't be executed, or the folder does not exist.
        """
        mark = secrets.token_hex(8)
        container = container_run(spec.argv, self._cookie, mark)
        if container is not None:
            self._on_container(container.client)
        started = self._spawn(spec, container.argv if container else spec.argv, mark)
        pid = started.process.pid
        if self._warden is not None:
            self._warden.watch(pid, spec.server)

        async def finish() -> None:
            if container is not None:
                label = f"{SERVER_LABEL}={mark}"
                if problem := await remove_containers(container.client, label, dict(spec.env)):
                    self._note(spec.server, f"its container could not be removed: {problem}")
            status = started.process.returncode
            self._note(spec.server, f"ended, pid {pid}, status {status}")
            if self._warden is not None:
                self._warden.unwatch(pid)
            self._links.discard(link)

        link = LocalLink(
            started,
            sink,
            patience=self._patience,
            log=lambda lines: self._logs.append(spec.server, lines),
            finish=finish,
            on_stderr=on_stderr,
        )
        self._links.add(link)
        self._note(spec.server, f"started, pid {pid}: {os.path.basename(spec.argv[0])} in {spec.cwd}")
        return link

    def log(self, server: str, lines: list[bytes]) -> None:
        """Write lines to the log of a server that runs elsewhere."""
        self._logs.append(server, lines)

    async def close(self) -> None:
        """End every server that still runs, all at once, and write what their logs still wait for.

        Once begun it completes even if the caller is cancelled.
        """
        await to_the_end(self._close())

    async def _close(self) -> None:
        outcomes = await asyncio.gather(*(link.close() for link in tuple(self._links)), return_exceptions=True)
        await self._logs.close()
        for outcome in outcomes:
            if isinstance(outcome, BaseException):
                raise outcome

    def _spawn(self, spec: LaunchSpec, argv: Sequence[str], mark: str) -> StartedProcess:
        env = dict(spec.env)
        path = env.get("PATH")
        if argv and "/" not in argv[0] and (found := find_command(argv[0], path, spec.cwd)):
            argv = (found, *argv[1:])
        if problem := why_not_startable(argv, path, spec.cwd):
            raise ServerUnavailable(spec.server, problem)
        env[HOST_COOKIE] = self._cookie
        env[SERVER_COOKIE] = mark
        pipes: list[int] = []
        try:
            for _ in range(3):
                pipes.extend(os.pipe())
            stdin_read, stdin_write, stdout_read, stdout_write, stderr_read, stderr_write = pipes
            process = subprocess.Popen(
                argv,
                stdin=stdin_read,
                stdout=stdout_write,
                stderr=stderr_write,
                env=env,
                cwd=spec.cwd,
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            for handle in pipes:
                os.close(handle)
            problem = why_start_failed(error, argv[0]) if isinstance(error, OSError) else f"{argv[0]}: {error}"
            raise ServerUnavailable(spec.server, problem) from error
        for handle in (stdin_read, stdout_write, stderr_write):
            os.close(handle)
        return StartedProcess(spec.server, mark, process, stdin_write, stdout_read, stderr_read)

    def _note(self, server: str, what: str) -> None:
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        self._logs.append(server, [f"--- {now} {what}".encode()])

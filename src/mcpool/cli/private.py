"""`mcpool run -- COMMAND`: a daemon that lives exactly as long as a command, for it alone."""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
import signal
import sys
import tempfile
import time
from argparse import Namespace
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from mcpool.cli.exit_codes import USAGE
from mcpool.cli.up import hush, log_to_stderr, run_to_the_end
from mcpool.errors import DaemonError
from mcpool.gateway.daemon import Daemon, DaemonOptions, running
from mcpool.gateway.home_lock import HomeLock
from mcpool.launch.cookie import HostCookie
from mcpool.launch.dotenv import read_dotenv
from mcpool.launch.process_table import HOST_COOKIE
from mcpool.launch.warden_client import Warden
from mcpool.rendezvous import home_path

_CANNOT_RUN = 126
_NOT_FOUND = 127
_FORWARDED = (
    *(signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGHUP),
    *(signal.SIGUSR1, signal.SIGUSR2, signal.SIGWINCH, signal.SIGCONT),
)
_FROM_THE_TERMINAL = (signal.SIGINT, signal.SIGQUIT, signal.SIGWINCH)
"""A terminal sends these to the command as well as to us."""
_PREFIX = "mcpool-run-"
_YOUNG = 3600.0
"""Seconds for which a home that nobody holds may be one that is just being made."""
_GRACE = 5.0
"""Seconds from SIGTERM to SIGKILL for a command whose daemon failed."""


def run(arguments: Namespace) -> int:
    """Run the command; returns its exit code."""
    command: list[str] = arguments.command[1:] if arguments.command[:1] == ["--"] else arguments.command
    if not command:
        sys.stderr.write("mcpool run: say what to run: `mcpool run -- COMMAND`\n")
        return USAGE
    user = Path(home_path(os.environ))
    config = user / "config.toml" if arguments.config is None else arguments.config.absolute()
    if arguments.config is not None and not config.is_file():
        sys.stderr.write(f"mcpool run: there is no file {config}\n")
        return USAGE
    log_to_stderr(logging.WARNING, "mcpool: %(message)s")
    hush()
    environ = {**read_dotenv(user / ".env").variables, **os.environ}
    with _home() as home, HomeLock.take(home, timeout=0):
        options = DaemonOptions(home, config if config.is_file() else None, 0, asks_login_shell=False)
        return run_to_the_end(_with_daemon(options, environ, command))


@contextmanager
def _home() -> Generator[Path]:
    """A home that goes in the end. Those that killed ones left go first."""
    for left in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        _remove_if_left(left)
    home = Path(tempfile.mkdtemp(prefix=_PREFIX))
    try:
        yield home
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _remove_if_left(home: Path) -> None:
    with suppress(OSError, DaemonError):
        status = home.lstat()
        if status.st_uid == os.geteuid() and time.time() - status.st_mtime > _YOUNG:
            with HomeLock.take(home, timeout=0):
                shutil.rmtree(home, ignore_errors=True)


async def _with_daemon(options: DaemonOptions, environ: Mapping[str, str], command: Sequence[str]) -> int:
    signals = _Signals()
    with HostCookie.claim(options.home) as cookie, signals.handled():
        try:
            # This warden ends the command if we are killed; the daemon's own ends its servers.
            async with Warden.open(options.home, cookie.text, environ), running(options, environ) as daemon:
                return await _run(command, {**os.environ, **_found_by(daemon), HOST_COOKIE: cookie.text}, signals)
        except asyncio.CancelledError:
            if signals.early is None:
                raise
            return 128 + signals.early


def _found_by(daemon: Daemon) -> dict[str, str]:
    record = daemon.record
    return {
        "MCPOOL_HOME": str(daemon.options.home),
        "MCPOOL_URL": record.endpoint,
        "MCPOOL_TOKEN": Path(record.token_file).read_text().strip(),
    }


async def _run(command: Sequence[str], environ: Mapping[str, str], signals: _Signals) -> int:
    try:
        process = await asyncio.create_subprocess_exec(*command, env=environ)
    except OSError as error:
        sys.stderr.write(f"mcpool run: {command[0]}: {error.strerror}\n")
        return _NOT_FOUND if isinstance(error, FileNotFoundError) else _CANNOT_RUN
    signals.process = process
    try:
        code = await process.wait()
    except BaseException:
        await _end(process)
        raise
    return code if code >= 0 else 128 - code


async def _end(process: asyncio.subprocess.Process) -> None:
    with suppress(ProcessLookupError):
        process.terminate()
        with suppress(TimeoutError):
            async with asyncio.timeout(_GRACE):
                await process.wait()
        if process.returncode is None:
            process.kill()
    await process.wait()


class _Signals:
    """What comes is for the command. Before there is one, it ends the start."""

    def __init__(self) -> None:
        self.process: asyncio.subprocess.Process | None = None
        self.early: signal.Signals | None = None
        self._task = asyncio.current_task()

    @contextmanager
    def handled(self) -> Generator[None]:
        loop = asyncio.get_running_loop()
        for number in _FORWARDED:
            loop.add_signal_handler(number, self._pass_on, number)
        try:
            yield
        finally:
            for number in _FORWARDED:
                loop.remove_signal_handler(number)

    def _pass_on(self, number: signal.Signals) -> None:
        if self.process is not None:
            if number not in _FROM_THE_TERMINAL or not _in_foreground():
                with suppress(ProcessLookupError):
                    self.process.send_signal(number)
        elif number not in (signal.SIGWINCH, signal.SIGCONT) and self._task is not None and self.early is None:
            self.early = number
            self._task.cancel()


def _in_foreground() -> bool:
    try:
        return os.tcgetpgrp(0) == os.getpgrp()
    except OSError:
        return False

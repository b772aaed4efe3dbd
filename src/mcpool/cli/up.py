"""`mcpool up`: the daemon, in the foreground for a person or in the background for the next client."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from argparse import Namespace
from collections.abc import Coroutine
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from mcpool.cli.control import ask_daemon
from mcpool.cli.exit_codes import OK, USAGE
from mcpool.cli.os_error import os_error_sentence
from mcpool.cli.screen import Screen
from mcpool.cli.signals import Interrupted, Signals
from mcpool.cli.status import show_status
from mcpool.cli.welcome import show_paste_lines, show_started
from mcpool.cli.words import harmless
from mcpool.config.home import ensure_home
from mcpool.errors import McpoolError
from mcpool.gateway.home_lock import HomeLock
from mcpool.gateway.record import read_record
from mcpool.gateway.starting import LOCK_FD, READY_FD, StartLock, report_ready, start
from mcpool.rendezvous import NoDaemon, home_path

if TYPE_CHECKING:
    from mcpool.gateway.daemon import Daemon, DaemonOptions
    from mcpool.host.watching import Applied

_PREDECESSOR = 20.0
"""Seconds that a daemon which is on its way out may take to go."""


def run(arguments: Namespace) -> int:
    """Run the daemon until it is told to end, or have one run in the background."""
    if arguments.background:
        return _background(arguments)
    home = ensure_home(Path(home_path(os.environ)))
    if arguments.config is not None and not arguments.config.is_file():
        sys.stderr.write(f"mcpool up: there is no file {arguments.config}\n")
        return USAGE
    with StartLock(str(home)) as start_lock:
        with suppress(NoDaemon):
            return _already_running(ask_daemon("status"), arguments)
        if arguments.detach:
            start(os.environ, lock=start_lock.fd, arguments=_passed_on(arguments))
            _show_detached(ask_daemon("status"))
            return OK
        with HomeLock.take(home, timeout=_PREDECESSOR):
            return _foreground(_options(arguments, home), start_lock)


def _passed_on(arguments: Namespace) -> list[str]:
    given = ["--keep"]
    if arguments.config is not None:
        given += ["--config", str(arguments.config.absolute())]
    return given if arguments.port is None else [*given, "--port", str(arguments.port)]


def _options(arguments: Namespace, home: Path) -> DaemonOptions:
    from mcpool.gateway.daemon import DaemonOptions

    config = None if arguments.config is None else arguments.config.absolute()
    return DaemonOptions(home, config, arguments.port)


def _already_running(status: dict[str, object], arguments: Namespace) -> int:
    screen = Screen()
    screen.line(f"the mcpool daemon of this home already runs (pid {status['pid']}); `mcpool stop` ends it", "bold")
    if arguments.config is not None or arguments.port is not None:
        screen.line("--config and --port take effect after `mcpool stop`", "yellow")
    screen.line()
    show_status(status, screen)
    show_paste_lines(status, screen)
    return OK


def _show_detached(status: dict[str, Any]) -> None:
    screen = Screen()
    show_started(status, screen, now=False)
    for problem in status["problems"]:
        screen.line(problem, "yellow")
    show_paste_lines(status, screen)
    screen.line("It runs in the background; `mcpool status` shows its servers, `mcpool stop` ends it.", "dim")


# In the foreground


def _foreground(options: DaemonOptions, start_lock: StartLock) -> int:
    log_to_stderr(logging.WARNING, "mcpool: %(message)s")
    hush()
    return run_to_the_end(_watched(options, start_lock))


async def _watched(options: DaemonOptions, start_lock: StartLock) -> int:
    from mcpool.cli.progress_view import ProgressView
    from mcpool.cli.warm_up import warm_up
    from mcpool.gateway.daemon import running

    screen = Screen()
    cwd = os.getcwd()
    async with Signals.handled() as signals, running(options, os.environ) as daemon:
        start_lock.close()
        signals.from_now_on(daemon)
        show_started(daemon.status(), screen, now=True)
        daemon.on_applied = partial(_show_applied, screen)
        with ProgressView(screen) as view:
            warming = asyncio.create_task(warm_up(daemon.host, cwd, view.report), name="warm up")
            await _first(warming, daemon)
        if not signals.received:
            show_paste_lines(daemon.status(), screen)
            screen.line("Ctrl-C ends it, and its servers with it.", "dim")
        await daemon.stopped()
        screen.line("ending the servers; another Ctrl-C ends at once", "dim")
    return signals.exit_code


def _show_applied(screen: Screen, applied: Applied) -> None:
    screen.line(f"the configuration was edited: {applied.edit}")
    for problem in applied.problems:
        screen.line(str(problem), "red" if problem.severity == "error" else "yellow")


async def _first(work: asyncio.Task[None], daemon: Daemon) -> None:
    """Wait until `work` is done, or the daemon is told to end."""
    stopped = asyncio.create_task(daemon.stopped(), name="stopped")
    try:
        await asyncio.wait([work, stopped], return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in (work, stopped):
            task.cancel()
        await asyncio.wait([work, stopped])
    if not work.cancelled() and (error := work.exception()) is not None:
        raise error


# In the background


def _background(arguments: Namespace) -> int:
    # The starter waits for this process only: the daemon is to be nobody's child, and nobody's zombie.
    if os.fork():
        os._exit(0)
    for fd in (READY_FD, LOCK_FD):
        os.set_inheritable(fd, False)
    log_to_stderr(logging.INFO, "%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("httpx2").setLevel(logging.WARNING)  # it tells of each request, with all that is in its URL
    hush()
    try:
        home = ensure_home(Path(home_path(os.environ)))
        os.chdir(home)
        lock = HomeLock.take(home, timeout=_PREDECESSOR)
    except McpoolError as error:
        report_ready(str(error))
        raise
    with lock:
        return run_to_the_end(_unwatched(_background_options(arguments, home)))


def _background_options(arguments: Namespace, home: Path) -> DaemonOptions:
    options = _options(arguments, home)
    if not arguments.keep:
        options = replace(options, leaves_when_idle=True)
        # A record without its daemon is what a killed one leaves behind: go on as it was told to run.
        killed = read_record(home)
        if killed is not None:
            config = None if killed.config is None or not Path(killed.config).is_file() else Path(killed.config)
            options = replace(options, config=config, port=killed.port)
    return options


async def _unwatched(options: DaemonOptions) -> int:
    from mcpool.gateway.daemon import running

    reported = False
    try:
        async with Signals.handled() as signals, running(options, os.environ) as daemon:
            signals.from_now_on(daemon)
            report_ready()
            reported = True
            await daemon.stopped()
    except BaseException as error:
        if not reported:
            report_ready(_reason(_first_cause(error)))
        raise
    return OK


def _reason(error: BaseException) -> str:
    if isinstance(error, Interrupted):
        return "the daemon was told to end while it was starting"
    if isinstance(error, OSError):
        return os_error_sentence(error)
    return str(error) if isinstance(error, McpoolError) else f"the daemon could not start: {error!r}"


# Both


class _Harmless(logging.Formatter):
    """A log is read on terminals, and servers' words are in it."""

    def format(self, record: logging.LogRecord) -> str:
        return harmless(super().format(record))


def log_to_stderr(level: int, form: str) -> None:
    """Write what is logged from this level on, without what would steer a terminal."""
    handler = logging.StreamHandler()
    handler.setFormatter(_Harmless(form))
    logging.basicConfig(level=level, handlers=[handler])


def hush() -> None:
    """Keep the HTTP server's warnings out of the log."""
    # It warns of each connection that speaks no HTTP: a user can't act upon that, and anybody could fill a log with it.
    logging.getLogger("uvicorn").setLevel(logging.ERROR)


def run_to_the_end(work: Coroutine[None, None, int]) -> int:
    """Run what needs a loop; of several errors the one that tells most is raised."""
    try:
        return asyncio.run(work)
    except Interrupted as error:
        return 128 + error.number
    except BaseExceptionGroup as group:
        raise _first_cause(group) from None


def _first_cause(error: BaseException) -> BaseException:
    """One reason is all that a reader needs: ours if there is one."""
    causes = _flattened(error)
    return next((cause for cause in causes if isinstance(cause, McpoolError)), causes[0])


def _flattened(error: BaseException) -> list[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        group = cast("BaseExceptionGroup[BaseException]", error)
        return [leaf for inner in group.exceptions for leaf in _flattened(inner)]
    return [error]

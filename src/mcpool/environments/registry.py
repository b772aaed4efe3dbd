"""The environments of a host: this machine, and executors that come and go behind ids that stay."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from itertools import count

from mcpool.config.environments import LONGEST_RESUME, EnvironmentConfig, why_no_id, why_no_url
from mcpool.config.server import LOCAL
from mcpool.environments.executor import Executor, Patience
from mcpool.environments.executor_files import ExecutorFiles
from mcpool.environments.executor_launcher import ExecutorLauncher, Log
from mcpool.environments.file_uri import native, to_path
from mcpool.environments.files import Files, LocalFiles
from mcpool.environments.files_within import FilesWithin
from mcpool.environments.protocol import STATUS, Nothing
from mcpool.environments.session import Refused, Session
from mcpool.environments.socket import Dial
from mcpool.environments.states import State, Status, shown
from mcpool.environments.websocket import dial
from mcpool.environments.websocket import shown as shown_url
from mcpool.errors import EnvironmentUnavailable
from mcpool.launch.to_the_end import to_the_end

logger = logging.getLogger("mcpool")


@dataclass(frozen=True, slots=True)
class EnvironmentStatus:
    """How it stands with one environment."""

    id: str
    status: Status
    """`ready`; `pending`: it is being reached, or its session had back; `disconnected`; `unknown`: there is none."""
    error: str | None = None
    """What is wrong, if something is."""
    url: str | None = None
    """Where its executor is, without what may be secret in it; None: this machine, or unknown."""
    cwd: str | None = None
    """The folder of the executor, as far as it is known."""
    shell: str | None = None


@dataclass(frozen=True, slots=True)
class ExecutorPlace:
    """One live connection to an executor, as far as servers depend on it."""

    environment: str
    handle: int
    root: str | None
    """The folder that relative ones stand beneath; None: it does not tell."""
    completes_headers: bool = False
    """Whether it completes HTTP headers with its own variables."""


OnChange = Callable[[str], None]
"""Hears that the environment of this id came, went, or changed its state."""

MakeDial = Callable[[EnvironmentConfig], Dial]


@dataclass(eq=False, slots=True)
class _Known:
    config: EnvironmentConfig
    executor: Executor
    task: asyncio.Task[None]
    listed: bool
    """It stands in the file."""


class Environments:
    """Ids and what is behind them. Made by `open_environments`."""

    def __init__(self, log: Log, make_dial: MakeDial) -> None:
        self._log = log
        self._make_dial = make_dial
        self._tasks: set[asyncio.Task[None]] = set()
        self._known: dict[str, _Known] = {}
        self._handles = count(1)
        self._listeners: list[OnChange] = []
        self._local = LocalFiles()
        self.used = False
        """Whether there ever was another one than this machine."""

    def __repr__(self) -> str:
        return f"<Environments [{', '.join(f'{one.id} {one.status}' for one in self.all()) or 'this machine'}]>"

    # ------------------------------------------------------------------ coming and going

    def add(
        self,
        id: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        token: str | None = None,
        connect_timeout: float = 10.0,
        resume_timeout: float = LONGEST_RESUME,
    ) -> None:
        """Have an executor from now on, in place of the one of this id if there is one. Returns before it is reached.

        `token` is sent as a bearer token. Times are in seconds: a connection with its first words takes at most
        `connect_timeout`; what runs there is given up `resume_timeout` (at most 25) after its socket was lost.

        Raises:
            ValueError: the id or the URL can't be one.
        """
        if wrong := why_no_id(id):
            raise ValueError(f"environment `{id}`: {wrong}; use letters, digits, `_` and `-`, at most 64 of them")
        if wrong := why_no_url(url):
            raise ValueError(f"environment `{id}`: its URL {wrong}; write it whole: ws://HOST:PORT")
        if not (connect_timeout > 0 and 0 <= resume_timeout <= LONGEST_RESUME):
            raise ValueError(f"environment `{id}`: times must be positive, and `resume_timeout` at most 25 seconds")
        given = dict(headers or {}) | ({} if token is None else {"Authorization": f"Bearer {token}"})
        self._put(EnvironmentConfig(id, url, tuple(sorted(given.items())), connect_timeout, resume_timeout), False)

    def remove(self, id: str) -> None:
        """Have it no more: what runs there ends. Raises: KeyError, if there is none of this id."""
        known = self._known.pop(id)
        known.task.cancel()
        self._tell(id)

    def keep(self, configs: Iterable[EnvironmentConfig]) -> None:
        """The file changed: these are what stands in it. One that is equal stays untouched."""
        wanted = {config.id: config for config in configs}
        for id, known in tuple(self._known.items()):
            if known.listed and id not in wanted:
                self.remove(id)
        for id, config in wanted.items():
            known = self._known.get(id)
            if known is None or (known.listed and known.config != config):
                self._put(config, True)

    def listen(self, listener: OnChange) -> None:
        """Tell of changes from now on, in the moment when they happen."""
        self._listeners.append(listener)

    # ------------------------------------------------------------------ what is there

    def status(self, id: str) -> EnvironmentStatus:
        """How it stands with the environment of an id. Asks nobody."""
        if id == LOCAL:
            return EnvironmentStatus(LOCAL, "ready")
        known = self._known.get(id)
        if known is None:
            return EnvironmentStatus(id, "unknown", f"unknown environment id `{id}`")
        executor = known.executor
        info = None if executor.session is None else executor.session.info
        return EnvironmentStatus(
            id,
            shown(executor.state),
            None if executor.state is State.READY else executor.error,
            shown_url(known.config.url),
            None if info is None or info.cwd is None else native(info.cwd),
            None if info is None or info.shell is None else info.shell.path,
        )

    async def probe(self, id: str, *, timeout: float = 5.0) -> EnvironmentStatus:
        """`status`, but `ready` only if the executor answers over its socket, now, within `timeout` seconds."""
        status = self.status(id)
        if id == LOCAL or status.status != "ready":
            return status
        try:
            async with asyncio.timeout(timeout):
                await self.session(id).request(STATUS, Nothing(), Nothing)
        except (Refused, EnvironmentUnavailable):
            return self.status(id)  # an older one lives and does not know the question; or it has just gone
        except TimeoutError:
            now = self.status(id)
            silent = f"it does not answer within {timeout:g} s; it is looked after, and lost if it stays silent"
            return replace(now, status="disconnected", error=silent) if now.status == "ready" else now
        return self.status(id)

    def all(self) -> tuple[EnvironmentStatus, ...]:
        """Every executor, in the order in which they were added."""
        return tuple(self.status(id) for id in self._known)

    async def reached(self, id: str) -> EnvironmentStatus:
        """Wait until it is known whether an environment can be reached: one attempt's time at most."""
        while (status := self.status(id)).status == "pending":
            changed = asyncio.Event()

            def note(_: str, changed: asyncio.Event = changed) -> None:
                changed.set()

            self._listeners.append(note)
            try:
                await changed.wait()
            finally:
                self._listeners.remove(note)
        return status

    def handles(self) -> Mapping[str, int]:
        """The executors that are available, each with the number of the connection to it: one that was lost for good
        and attached anew has another number, one whose socket is just being replaced keeps its own."""
        return {
            id: known.executor.session.handle for id, known in self._known.items() if known.executor.session is not None
        }

    def place(self, id: str) -> ExecutorPlace:
        """The live connection to an executor. Raises: EnvironmentUnavailable."""
        return _place(self.session(id))

    def files(self, environment: str, *, within: str | None = None) -> Files:
        """The files of an environment; each question is asked of whatever connection there is then.

        `within` is a folder that nothing may lead out of; paths may be relative to it (`FilesWithin`).

        Raises:
            EnvironmentUnavailable: there is none of this id.
            ValueError: `within` is not absolute.
        """
        if environment != LOCAL and environment not in self._known:
            raise _unknown(environment)
        files = self._local if environment == LOCAL else ExecutorFiles(lambda: self.session(environment))
        return files if within is None else FilesWithin(files, within)

    def launcher(self, place: ExecutorPlace) -> ExecutorLauncher:
        """What starts servers over that very connection. Raises: EnvironmentUnavailable, if it is gone."""
        return ExecutorLauncher(self.session_of(place), self._log)

    def session_of(self, place: ExecutorPlace) -> Session:
        """That very connection. Raises: EnvironmentUnavailable, if it is gone."""
        session = self.session(place.environment)
        if session.handle != place.handle:
            raise EnvironmentUnavailable(place.environment, "the connection to it was lost, and there is another now")
        return session

    def session(self, id: str) -> Session:
        """The connection that there is. Raises: EnvironmentUnavailable."""
        known = self._known.get(id)
        if known is None:
            raise _unknown(id)
        if known.executor.session is None:
            status = self.status(id)
            raise EnvironmentUnavailable(id, f"it is {status.status}" + (f": {status.error}" if status.error else ""))
        return known.executor.session

    async def close(self) -> None:
        """Have none any more, and wait until their connections are closed."""
        for id in tuple(self._known):
            self.remove(id)
        while self._tasks:
            await asyncio.wait(self._tasks)

    # ------------------------------------------------------------------ within

    def _put(self, config: EnvironmentConfig, listed: bool) -> None:
        before = self._known.pop(config.id, None)
        if before is not None:
            before.task.cancel()
        executor = Executor(
            config.id,
            self._make_dial(config),
            new_handle=lambda: next(self._handles),
            on_change=self._on_change,
            chance=random.random,
            patience=Patience(config.connect_timeout, config.resume_timeout),
        )
        owning = _contained(executor)
        task = asyncio.get_running_loop().create_task(owning, name=f"mcpool-environment-{config.id}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        self._known[config.id] = _Known(config, executor, task, listed)
        self.used = True
        self._tell(config.id)

    def _on_change(self, executor: Executor) -> None:
        known = self._known.get(executor.id)
        if known is not None and known.executor is executor:
            self._tell(executor.id)

    def _tell(self, id: str) -> None:
        for listener in tuple(self._listeners):
            listener(id)


@asynccontextmanager
async def open_environments(
    log: Log, environ: Mapping[str, str], *, make_dial: MakeDial | None = None
) -> AsyncGenerator[Environments]:
    """Environments for the block; on leaving it what runs in executors is ended, as far as they are reached.

    `log` gets what servers there write to stderr; `environ` names the proxies.
    """

    def default(config: EnvironmentConfig) -> Dial:
        return dial(config.url, dict(config.headers), environ, timeout=config.connect_timeout)

    environments = Environments(log, make_dial or default)
    try:
        yield environments
    finally:
        await to_the_end(environments.close())


def _unknown(id: str) -> EnvironmentUnavailable:
    return EnvironmentUnavailable(id, f"there is none of this id; `mcpool env add {id} URL` adds it")


async def _contained(executor: Executor) -> None:
    """A defect in one must not end the host."""
    try:
        await executor.own()
    except Exception:
        logger.exception("the connection to the environment `%s` failed; this is a defect of mcpool", executor.id)


def _place(session: Session) -> ExecutorPlace:
    root: str | None = None
    if session.info.cwd is not None:
        try:
            root = to_path(session.info.cwd)
        except ValueError:
            root = None
    completes = session.info.capabilities.http_header_env_vars
    return ExecutorPlace(session.environment, session.handle, root, completes)

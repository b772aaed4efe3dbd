"""A link to a process that an executor runs for us."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from itertools import count

import msgspec

from mcpool.environments import protocol
from mcpool.environments.ordering import End, Exit, Ordering, OutputLost, Piece
from mcpool.environments.ordering import Event as Happening
from mcpool.environments.protocol import (
    Closed,
    Events,
    Exited,
    Message,
    Output,
    Read,
    Start,
    Started,
    Terminate,
    Write,
    Written,
)
from mcpool.environments.session import Asked, Refused, Session
from mcpool.errors import EnvironmentUnavailable
from mcpool.launch.stderr_lines import MAX_LINE, StderrLines
from mcpool.wire.link import Sink

LARGEST_WRITE = 256 * 1024
"""Bytes of input in one message."""
REST = 1.0
"""Seconds after its exit in which the rest of its output may come, which a descendant can hold open for ever."""
CLOSING = 15.0
"""Seconds in which the executor has to end it."""
CLOSING_UNHEARD = 1.0
"""The same, while there is no socket to tell it over."""


class ExecutorLink:
    """A `Link`. Made by `ExecutorLauncher.start` alone.

    Input goes one message at a time, each with an id by which the executor knows it again; so however often the socket
    is lost, no byte is written twice or in another order.
    """

    def __init__(
        self, session: Session, id: str, server: str, sink: Sink, log: Callable[[str, list[bytes]], None]
    ) -> None:
        self.server = server
        self._session = session
        self._id = id
        self._sink = sink
        self._log = log
        self._loop = asyncio.get_running_loop()
        self._ordering = Ordering()
        self._lines = StderrLines()
        self._why = ""
        self._held: list[Happening] | None = []
        """What it did before whoever started it has this link; None: they have it."""
        self._resumed = False
        self._waiting = bytearray()
        self._writing: tuple[Asked, int] | None = None
        self._written = 0
        self._write_ids = count(1)
        self._input_open = True
        self._terminated = False
        self._status: int | None = None
        self._exited = False
        self._ended = asyncio.Event()
        self._rest: asyncio.TimerHandle | None = None

    def __repr__(self) -> str:
        state = "ended" if self._ended.is_set() else "ending" if self._terminated else "running"
        return f"<ExecutorLink {self.server} in {self._session.environment} [{state}]>"

    async def start(self, start: Start) -> None:
        """Start the process.

        Raises:
            Refused: the executor can't.
            EnvironmentUnavailable: the session is gone.
        """
        session = self._session
        session.attach(self._id, self)
        try:
            try:
                await session.request(protocol.START, start, Started)
            except Refused:
                # Sent twice, it is refused the second time: then it runs.
                if not self._resumed or not await self._runs():
                    raise
        except BaseException:
            session.detach(self._id)
            if session.lost is None:
                session.ask(protocol.TERMINATE, Terminate(self._id), _ignore)
            raise
        self._loop.call_soon(self._let_go)

    # ------------------------------------------------------------------ Link

    @property
    def pid(self) -> int | None:
        """It has no process here."""
        return None

    @property
    def alive(self) -> bool:
        """Whether it runs and can read, as far as is known here."""
        return self._input_open and not self._exited and not self._terminated and self._session.lost is None

    @property
    def sent(self) -> int:
        """Bytes of `write` that the executor may have got."""
        under_way = self._writing
        return self._written + (under_way[1] if under_way is not None and under_way[0].left else 0)

    @property
    def buffered(self) -> int:
        """Bytes of `write` that wait for those before them to be taken."""
        under_way = self._writing
        return len(self._waiting) + (under_way[1] if under_way is not None and not under_way[0].left else 0)

    def write(self, data: bytes) -> None:
        """Send bytes, in order, never blocking. After death it does nothing."""
        if self.alive:
            self._waiting += data
            self._write_next()

    def last_words(self) -> str:
        """The last lines of its stderr, or how its executor was lost."""
        return "\n".join(filter(None, (self._lines.last_words(), self._why)))

    async def close(self) -> None:
        """Have it ended, and wait until it is, or the executor is gone.

        One that can't be reached is told when it can be again; until then nobody waits.
        """
        self.kill()
        waiting = asyncio.ensure_future(self._ended.wait())
        try:
            await asyncio.wait((waiting,), timeout=CLOSING_UNHEARD)
            if self._session.connected:
                await asyncio.wait((waiting,), timeout=CLOSING)
        finally:
            waiting.cancel()
            self._session.detach(self._id)

    def kill(self) -> None:
        """Have it ended, without waiting. How gently that is done is the executor's affair."""
        if not self._terminated and not self._ended.is_set():
            self._terminated = True
            self._waiting.clear()
            if self._session.lost is None:
                self._session.ask(protocol.TERMINATE, Terminate(self._id), _ignore)

    # ------------------------------------------------------------------ what the session tells (session.Process)

    def on_event(self, note: Output | Exited | Closed) -> None:
        """It did something."""
        match note:
            case Output():
                event: Happening = Piece(note.stream, note.chunk)
            case Exited():
                event = Exit(note.exit_code)
            case Closed():
                event = End()
        try:
            self._deliver(self._ordering.take(note.seq, event))
        except OutputLost as error:
            self._give_up(str(error))

    def on_resumed(self) -> None:
        """There is another socket: ask for what was missed."""
        self._resumed = True
        if self._held is None:
            self._session.ask(protocol.READ, Read(self._id, self._ordering.last), self._recovered, again=False)

    def on_lost(self, reason: str) -> None:
        """The executor is gone, and the process with it, for all that can be known."""
        self._why = reason
        self._end()

    # ------------------------------------------------------------------

    async def _runs(self) -> bool:
        try:
            told = await self._session.request(protocol.READ, Read(self._id, self._ordering.last), Events)
        except Refused:
            return False
        self._recover(told)
        return True

    def _recovered(self, message: Message | None) -> None:
        if message is None or self._ended.is_set():
            return  # lost again: it is asked anew, or all is lost
        try:
            self._recover(self._session.read(message, Events))
        except Refused as refused:
            self._give_up(f"the executor no longer knows it: {refused}")
        except EnvironmentUnavailable as error:
            self._give_up(error.message)

    def _recover(self, told: Events) -> None:
        if told.failure is not None:
            self._give_up(told.failure)
            return
        try:
            self._deliver(self._ordering.recover(told))
        except OutputLost as error:
            self._give_up(str(error))

    def _let_go(self) -> None:
        held, self._held = self._held or [], None
        self._deliver(held)

    def _deliver(self, events: list[Happening]) -> None:
        if self._held is not None:
            self._held += events
            return
        try:
            self._pass_on(events)
        except Exception as error:
            # Whoever listens to one process can't take the whole environment along.
            message = f"the sink of `{self.server}` failed at what it said"
            self._loop.call_exception_handler({"message": message, "exception": error})
            self._give_up("what it said could not be taken in")

    def _pass_on(self, events: list[Happening]) -> None:
        for event in events:
            if self._ended.is_set():
                return
            match event:
                case Piece(stream="stderr", data=data):
                    for start in range(0, len(data), MAX_LINE):
                        self._note(self._lines.feed(data[start : start + MAX_LINE]))
                case Piece(data=data):
                    self._sink.on_bytes(data)
                case Exit(status=status):
                    self._exited, self._status = True, status
                    self._stop_writing()
                    self._rest = self._loop.call_later(REST, self._end)
                case End():
                    self._end()

    def _end(self) -> None:
        """Nothing more comes of it."""
        if self._ended.is_set():
            return
        self._ended.set()
        if self._rest is not None:
            self._rest.cancel()
        self._stop_writing()
        self._note(self._lines.end())
        self._session.detach(self._id)
        self._sink.on_exit(self._status)

    def _note(self, lines: list[bytes]) -> None:
        if lines:
            self._log(self.server, lines)

    def _give_up(self, reason: str) -> None:
        self._why = reason
        self.kill()
        self._end()

    def _stop_writing(self) -> None:
        self._input_open = False
        self._waiting.clear()

    def _write_next(self) -> None:
        if self._writing is not None or not self._waiting or self._session.lost is not None:
            return
        chunk = bytes(self._waiting[:LARGEST_WRITE])
        del self._waiting[: len(chunk)]
        message = Write(self._id, chunk, f"{self._id}-{next(self._write_ids)}")
        self._writing = (self._session.ask(protocol.WRITE, message, self._was_written), len(chunk))

    def _was_written(self, answer: Message | None) -> None:
        under_way, self._writing = self._writing, None
        if under_way is None:
            return
        asked, length = under_way
        accepted = answer is not None and answer.error is None and self._was_accepted(answer)
        # Asked twice, an executor that refuses it may have taken it the first time.
        taken = accepted or asked.repeated or (answer is None and asked.left)
        self._written += length if taken else 0
        if accepted:
            self._write_next()
        else:
            self._stop_writing()

    def _was_accepted(self, answer: Message) -> bool:
        try:
            return msgspec.json.decode(answer.result, type=Written).status == "accepted"
        except msgspec.DecodeError:
            return True  # who knows


def _ignore(answer: Message | None) -> None:
    """Whether it ran is told by its events."""

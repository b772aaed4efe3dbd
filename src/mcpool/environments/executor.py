"""One executor: a task that opens a session with it, keeps it over lost sockets, and opens another when it is gone."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from mcpool.environments.handshake import Greeted, shake_hands
from mcpool.environments.protocol import RESUME_WITHIN
from mcpool.environments.session import Refused, Session
from mcpool.environments.socket import Dial, Socket, WentAway
from mcpool.environments.states import Event, State, after

FIRST_WAIT = 0.25
MOST_WAIT = 10.0
"""Seconds between which the waits between two attempts double, before chance shortens them."""
MOST_RESUME_WAIT = 1.0
"""The same, while a session may yet be had back."""
STEADY_AFTER = 5.0
"""Seconds after which a socket counts as a good one."""
FAREWELL = 1.0
"""Seconds in which an executor that said that it ends is asked for the session once more, and in which one that nobody
wants any more is told so."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long things may take, in seconds."""

    connect: float = 10.0
    """A socket and the first words on it."""
    resume: float = RESUME_WITHIN
    """From the loss of a socket until what ran there is given up."""


class Executor:
    """Run `own` in one task. `on_change` is called in the moment when the state changes."""

    def __init__(
        self,
        id: str,
        dial: Dial,
        *,
        new_handle: Callable[[], int],
        on_change: Callable[[Executor], None],
        chance: Callable[[], float],
        patience: Patience | None = None,
    ) -> None:
        self.id = id
        self.state = State.PENDING
        self.error: str | None = None
        """What is wrong, in any state but `ready`."""
        self.session: Session | None = None
        """The session, as long as it may be had back; None in `pending` and `disconnected`."""
        self._dial = dial
        self._new_handle = new_handle
        self._on_change = on_change
        self._chance = chance
        self._patience = patience or Patience()
        self._unsteady = 0

    def __repr__(self) -> str:
        return f"<Executor {self.id} [{self.state}]>"

    async def own(self) -> None:
        """Keep a session with it until this is cancelled."""
        try:
            while True:
                socket, session = await self._open()
                await self._live(socket, session)
        finally:
            self._end("the environment was removed")
            self._after(Event.REMOVED, None)

    async def _open(self) -> tuple[Socket, Session]:
        """A new session, however long it takes."""
        attempt = 0
        while True:
            try:
                socket, greeted = await self._greet(None)
            except (OSError, Refused) as error:
                self._after(Event.FAILED, _reason(error))
            else:
                session = self.session = Session(self.id, self._new_handle(), greeted.session, greeted.info)
                self._after(Event.OPENED, None)
                return socket, session
            await self._wait(attempt, MOST_WAIT)
            attempt += 1

    async def _live(self, socket: Socket, session: Session) -> None:
        """Until the session is gone."""
        while True:
            began = asyncio.get_running_loop().time()
            try:
                await session.serve(socket)
            except ConnectionError as error:
                reason, went_away = _reason(error), isinstance(error, WentAway)
            except asyncio.CancelledError:
                with suppress(ConnectionError, TimeoutError):
                    async with asyncio.timeout(FAREWELL):
                        await session.say_goodbye(socket)
                raise
            finally:
                await socket.close()
            lasted = asyncio.get_running_loop().time() - began
            self._unsteady = 0 if lasted >= STEADY_AFTER else self._unsteady + 1
            session.dropped()
            self._after(Event.DROPPED, f"the connection was lost: {reason}")
            resumed = await self._resume(session, FAREWELL if went_away else self._patience.resume)
            if isinstance(resumed, str):
                self._end(f"the connection was lost ({reason}) and could not be resumed: {resumed}")
                self._after(Event.EXPIRED, session.lost)
                return
            socket = resumed
            session.resumed()
            self._after(Event.RESUMED, None)

    async def _resume(self, session: Session, seconds: float) -> Socket | str:
        """Another socket for the session, or why there is none."""
        problem = "no answer"
        attempt = max(0, self._unsteady - 1)
        try:
            async with asyncio.timeout(seconds):
                while True:
                    if attempt:
                        await self._wait(attempt - 1, MOST_RESUME_WAIT)
                    attempt += 1
                    try:
                        return await self._have_back(session)
                    except Refused as error:
                        problem = str(error)
                        # It may not have seen the loss of the old socket yet; whatever else it says is final.
                        if "already attached" not in problem:
                            return problem
                    except OSError as error:
                        problem = _reason(error)
        except TimeoutError:
            return f"{problem}, for {seconds:g} s"

    async def _have_back(self, session: Session) -> Socket:
        """Another socket for the session. Raises: Refused, OSError."""
        socket, greeted = await self._greet(session.id)
        try:
            for message in greeted.early:
                session.hear(message)
        except BaseException:
            await socket.close()
            raise
        return socket

    async def _greet(self, resume: str | None) -> tuple[Socket, Greeted]:
        seconds = self._patience.connect
        socket: Socket | None = None
        try:
            async with asyncio.timeout(seconds):
                socket = await self._dial()
                return socket, await shake_hands(socket, resume)
        except BaseException as error:
            if socket is not None:
                await socket.close()
            if isinstance(error, TimeoutError):
                raise TimeoutError(f"no answer within {seconds:g} s") from None
            raise

    async def _wait(self, attempt: int, most: float) -> None:
        await asyncio.sleep(min(FIRST_WAIT * 2.0 ** min(attempt, 16), most) * self._chance())

    def _end(self, reason: str) -> None:
        session, self.session = self.session, None
        if session is not None:
            session.lose(reason)

    def _after(self, event: Event, error: str | None) -> None:
        before, self.state = self.state, after(self.state, event)
        changed = (before, self.error) != (self.state, error)
        self.error = error
        if changed:
            self._on_change(self)


def _reason(error: Exception) -> str:
    return str(error) or type(error).__name__

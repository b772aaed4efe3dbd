"""The processes among which the threads of one shared server take turns: its first, and those for the overflow."""

from __future__ import annotations

import asyncio
from collections import Counter, OrderedDict, deque
from collections.abc import Callable, Hashable, Iterator
from typing import Unpack

from mcpool.backend.backend import Backend
from mcpool.backend.generations import Spawn
from mcpool.backend.holder import Holder
from mcpool.backend.holders import candidates
from mcpool.backend.requests import REPLACED, Details, Fields, NeverSent
from mcpool.backend.sharing import Sharing
from mcpool.backend.terms import Terms
from mcpool.config.server import WhenAsking
from mcpool.errors import CallTimeout, ServerUnavailable
from mcpool.pool.turns import Busy, Crowd, overflow_due, place

OVERFLOW_IDLE = 30.0
"""Seconds after which an overflow process goes that works for nobody."""


class Lane:
    """One process and who is let in (`mcpool.backend.sharing.Sharing`)."""

    __slots__ = ("_lanes", "backend", "entered", "idle")

    def __init__(self, lanes: Lanes, open: Callable[[Sharing], Backend]) -> None:
        self._lanes = lanes
        self.entered: Counter[Hashable] = Counter()
        """Whose requests are under way here, as far as they came in by turns."""
        self.idle: asyncio.TimerHandle | None = None
        self.backend = open(self)

    @property
    def exclusive(self) -> bool:
        """See `Sharing`."""
        return self._lanes.exclusive

    @property
    def declines(self) -> bool:
        """See `Sharing`."""
        return self._lanes.when_asking() == "decline"

    def asks(self) -> None:
        """See `Sharing`."""
        self._lanes.asked()

    def asks_unasked(self) -> None:
        """See `Sharing`."""
        self._lanes.asked_unasked()

    def moved(self) -> None:
        """See `Sharing`."""
        self._lanes.moved()

    def busy(self) -> Busy[Hashable]:
        """What it is at work on."""
        connection = self.backend.current
        if connection is None:
            return Busy(self.entered.keys(), frozenset(), undecided=False)
        questions = connection.questions
        occupants = {*self.entered, *candidates(connection.engine.calls), *questions.asking}
        return Busy(occupants, questions.asking, undecided=questions.undecided)


class _Waiter:
    __slots__ = ("holder", "placed", "since")

    def __init__(self, holder: Holder, placed: asyncio.Future[Lane], since: float) -> None:
        self.holder = holder
        self.placed = placed
        self.since = since


class Lanes:
    """Once the server asks and does not say whom, its threads take turns. Until then it works for all at once."""

    def __init__(
        self,
        open: Callable[[Sharing], Backend],
        *,
        exclusive: bool,
        strict: bool,
        when_asking: Callable[[], WhenAsking],
        on_asked: Callable[[], None],
        on_unasked: Callable[[], None],
        spawn: Spawn,
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        """`open` makes a backend. `strict`: it is known that the server asks. The callbacks hear when that is news."""
        self.exclusive = exclusive
        """Whether one thread alone uses it, so that nobody takes turns."""
        self.strict = strict and not exclusive
        """Whether threads take turns."""
        self.when_asking = when_asking
        self._open = open
        self._on_asked = on_asked
        self._on_unasked = on_unasked
        self._spawn = spawn
        self._loop = loop
        self.first = Lane(self, open)
        self._overflow: list[Lane] = []
        self._starting: Lane | None = None
        self._last_started = loop.time()
        self._failed_at: float | None = None
        self._waiting: OrderedDict[Hashable, deque[_Waiter]] = OrderedDict()
        """By the party whose turn it will be."""
        self._timer: asyncio.TimerHandle | None = None
        self._look: asyncio.Handle | None = None
        self._forgetting: asyncio.TimerHandle | None = None
        self._closed = False

    def __repr__(self) -> str:
        return f"<Lanes of {self.first.backend!r} [{len(self._overflow)} overflow, {self.waiting} waiting]>"

    @property
    def overflow(self) -> list[Backend]:
        """The processes beside the first, the one that is being started included."""
        starting = [] if self._starting is None else [self._starting]
        return [lane.backend for lane in (*self._overflow, *starting)]

    @property
    def waiting(self) -> int:
        """Requests that wait for the turn of their thread."""
        return sum(map(len, self._waiting.values()))

    # ------------------------------------------------------------------ requests

    async def request(
        self, method: str, fields: Fields, *, holder: Holder, timeout: float, **more: Unpack[Details]
    ) -> bytes:
        """Send a request when it is the turn of its thread; waiting for it is part of its time-out.

        Raises: as `Requests.send`.
        """
        begun = self._loop.time()
        lane = await self._enter(holder, timeout)
        try:
            left = timeout - (self._loop.time() - begun)
            return await lane.backend.request(method, fields, holder=holder, timeout=left, **more)
        except NeverSent:
            raise
        except ServerUnavailable as error:
            if lane is self.first and lane.backend.current is None:
                self._turn_away(error)  # one start for all who wait; whoever comes later may try another
            raise
        finally:
            self._exit(lane, holder)

    async def _enter(self, holder: Holder, timeout: float) -> Lane:
        if self._closed:
            raise ServerUnavailable(self.first.backend.name, REPLACED)
        waiter = _Waiter(holder, self._loop.create_future(), self._loop.time())
        self._waiting.setdefault(holder.party, deque()).append(waiter)
        self.pump()
        try:
            async with asyncio.timeout(timeout):
                return await waiter.placed
        except BaseException as error:
            if waiter.placed.done() and not waiter.placed.cancelled() and waiter.placed.exception() is None:
                self._exit(waiter.placed.result(), holder)
            else:
                self._give_up(waiter)
            if isinstance(error, TimeoutError):
                what = f"it did not come to this thread's turn within {timeout:g} s: others are at work with it"
                raise CallTimeout(self.first.backend.name, f"{what}, or are asked by it; nothing was sent") from None
            raise

    def _give_up(self, waiter: _Waiter) -> None:
        party = waiter.holder.party
        waiters = self._waiting.get(party, deque())
        if waiter in waiters:  # else its turn came in the same moment
            waiters.remove(waiter)
            if not waiters:
                del self._waiting[party]
        self.pump()

    def _turn_away(self, error: ServerUnavailable) -> None:
        for waiter in [waiter for waiters in self._waiting.values() for waiter in waiters]:
            if not waiter.placed.done():
                waiter.placed.set_exception(error.anew())
        self._waiting.clear()

    def _exit(self, lane: Lane, holder: Holder) -> None:
        lane.entered[holder.party] -= 1
        if not lane.entered[holder.party]:
            del lane.entered[holder.party]
        self.pump()

    # ------------------------------------------------------------------ whose turn it is

    def moved(self) -> None:
        """Something changed, in the middle of what a backend does: look in a moment."""
        if self._look is None and (self._waiting or self._overflow):
            self._look = self._loop.call_soon(self.pump)

    def pump(self) -> None:
        """Let in everybody whose turn it is, and see to it that nobody waits too long."""
        if self._look is not None:
            self._look.cancel()
            self._look = None
        if self._closed:
            return
        came_before = False
        for party in list(self._waiting):
            lanes = [self.first, *(lane for lane in self._overflow if lane.backend.current is not None)]
            number = place(party, [lane.busy() for lane in lanes], others_wait=came_before)
            if number is None:
                came_before = True
            else:
                for waiter in self._waiting.pop(party):
                    self._let_in(lanes[number], waiter)
        self._watch_idle()
        self._watch_crowd()
        self._watch_forgotten()

    def _let_in(self, lane: Lane, waiter: _Waiter) -> None:
        if waiter.placed.done():
            return  # it was cancelled in this moment, and takes itself out
        holder = waiter.holder
        lane.entered[holder.party] += 1
        if lane is not self.first:
            backend = lane.backend
            if holder not in backend.holders and holder in self.first.backend.holders:
                backend.holders.add(holder)
            backend.wishes.carry_over(holder, self.first.backend.holders.level_of(holder), ())
        waiter.placed.set_result(lane)

    def _watch_forgotten(self) -> None:
        """A cancelled request that is never answered keeps others for a while only, the end of which nobody tells."""
        if self._forgetting is not None:
            self._forgetting.cancel()
            self._forgetting = None
        if self._waiting or self._overflow:
            connections = [backend.current for backend in self]
            times = [connection.engine.forgets_at for connection in connections if connection is not None]
            at = min((time for time in times if time is not None), default=None)
            if at is not None:
                self._forgetting = self._loop.call_at(at, self.pump)

    def asked(self) -> None:
        """The server asked within a call, and did not say within which."""
        if not self.exclusive:
            self.strict = True
            self._on_asked()
            if self.when_asking() == "isolate":
                self._on_unasked()

    def asked_unasked(self) -> None:
        """The server asked while it worked for nobody."""
        if not self.exclusive:
            self._on_unasked()

    # ------------------------------------------------------------------ the overflow

    def _watch_crowd(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self.when_asking() != "overflow":
            return
        due = overflow_due(
            Crowd(
                since=min((waiters[0].since for waiters in self._waiting.values()), default=None),
                overflow=len(self._overflow),
                starting=self._starting is not None,
                last_started=self._last_started,
                failed_at=self._failed_at,
            )
        )
        if due is not None:
            self._timer = self._loop.call_at(due, self._start_another)

    def _start_another(self) -> None:
        self._timer = None
        lane = self._starting = Lane(self, self._open)
        lane.backend.adapt(self.first.backend.terms)
        self._spawn(self._start(lane))

    async def _start(self, lane: Lane) -> None:
        try:
            await lane.backend.connected()
        except ServerUnavailable:
            # Whoever waits goes on waiting for the processes that there are.
            if lane is self._starting:
                self._failed_at = self._loop.time()
        else:
            if lane is self._starting and not self._closed:
                self._overflow.append(lane)
                self._last_started = self._loop.time()
        finally:
            if lane is self._starting:
                self._starting = None
        if lane not in self._overflow:
            await lane.backend.stop(retire=True)
        self.pump()

    def _watch_idle(self) -> None:
        for lane in list(self._overflow):
            busy = lane.busy()
            if busy.occupants or busy.undecided:
                if lane.idle is not None:
                    lane.idle.cancel()
                    lane.idle = None
            elif lane.backend.current is None:
                self._end(lane)
            elif lane.idle is None:
                lane.idle = self._loop.call_later(OVERFLOW_IDLE, self._end, lane)

    def _end(self, lane: Lane) -> None:
        if lane.idle is not None:
            lane.idle.cancel()
        self._overflow.remove(lane)
        self._spawn(lane.backend.stop(retire=True))

    # ------------------------------------------------------------------ what holders do

    def __iter__(self) -> Iterator[Backend]:
        return iter([self.first.backend, *(lane.backend for lane in self._overflow)])

    def leave(self, holder: Holder) -> None:
        """Take back one lease. With a holder's last one goes what it wanted to hear, and what it was asked."""
        self.first.backend.wishes.leave(holder)
        if holder not in self.first.backend.holders:
            for lane in self._overflow:
                if holder in lane.backend.holders:
                    lane.backend.wishes.leave(holder)

    def dismiss(self, holder: Holder) -> None:
        """Nobody is there any more to answer what this holder was asked, though requests of it may go on."""
        for backend in self:
            backend.wishes.dismiss(holder)

    def interrupt(self, holder: Holder) -> None:
        """The turn in which this holder was asked something is over."""
        for backend in self:
            backend.wishes.interrupt(holder)

    def adapt(self, terms: Terms) -> None:
        """Take the newest terms."""
        for backend in (self.first.backend, *self.overflow):
            backend.adapt(terms)

    # ------------------------------------------------------------------ the end

    async def give_way(self, patience: float) -> None:
        """End all processes when their requests are done, but in `patience` seconds; take no new ones."""
        self._let_nobody_in()
        async with asyncio.TaskGroup() as tasks:
            for backend in self:
                tasks.create_task(backend.give_way(patience))
        self.close()

    def close(self) -> None:
        """Nobody is let in any more; the processes of the overflow end. The first is for the pool to stop."""
        self._let_nobody_in()
        self.drop_overflow()

    def _let_nobody_in(self) -> None:
        self._closed = True
        self._turn_away(ServerUnavailable(self.first.backend.name, REPLACED))
        for timer in (self._timer, self._forgetting):
            if timer is not None:
                timer.cancel()

    def drop_overflow(self) -> None:
        """End the processes of the overflow, whoever uses them: they are started again where they are wanted."""
        for lane in list(self._overflow):
            self._end(lane)
        starting, self._starting = self._starting, None
        if starting is not None:
            self._spawn(starting.backend.stop(retire=True))

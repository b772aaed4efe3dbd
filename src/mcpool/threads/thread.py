"""One conversation: it owns one runtime slot, and its seat at each server."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import replace
from typing import Any, Self

import msgspec

from mcpool.backend.holder import ClientFacts
from mcpool.config.server import ServerConfig
from mcpool.errors import Closed, ServerUnavailable, WrongProcess
from mcpool.pool.lease import Lease
from mcpool.pool.pool import Member, Pool
from mcpool.runtime.approval import Authority
from mcpool.runtime.beginning import Beginning
from mcpool.runtime.origin import Origin, origin
from mcpool.runtime.policy import Policy
from mcpool.runtime.projected import Projected
from mcpool.runtime.runtime import Runtime
from mcpool.runtime.step import Step
from mcpool.runtime.tool_sets import ToolSets
from mcpool.runtime.waiting import Outcomes, all_started, wait_for_servers
from mcpool.threads.approvals import Approvals
from mcpool.threads.attention import Attention
from mcpool.threads.facts import ThreadFacts
from mcpool.threads.kept import Kept, keep
from mcpool.threads.life import WHY_NOT, Life, LifeEvent, after
from mcpool.threads.lost_state import LostState
from mcpool.threads.mentions import Mentions, ReadSkills
from mcpool.threads.seat import Listener, Seat
from mcpool.threads.signing_in import PATIENCE, Show, SigningIn
from mcpool.threads.telling import Around, Telling
from mcpool.threads.upkeep import Spawn, Upkeep
from mcpool.world.mentioned_skills import skills_told
from mcpool.world.section import Section
from mcpool.world.world_state import News, WorldState


class Thread:
    """One conversation. Get one from `host.thread(...)`; use it with `async with`, or close it with `close()`.

    Entering it waits for the required servers, and raises what `require` does. Any task of its loop may use it.
    """

    def __init__(
        self,
        facts: ThreadFacts,
        pool: Pool,
        sets: ToolSets,
        *,
        listener: Listener,
        policy: Policy,
        approvals: Approvals,
        grace: float,
        resolve: Callable[[ThreadFacts], Awaitable[Projected]],
        spawn: Spawn,
        sections: Sequence[Section],
        around: Around,
        read_skills: ReadSkills,
        kept: Kept | None,
        signing_in: SigningIn,
        on_close: Callable[[Thread], None],
    ) -> None:
        """`resolve` is called for each refresh of the runtime. `kept` is what a host before this one kept of it."""
        self.facts = facts
        self.life = Life.LOADED
        self._pool = pool
        self._sets = sets
        self._listener = listener
        self.approvals = approvals
        """Who is asked about its calls (runtime.user.User)."""
        self._grace = grace
        self._on_close = on_close
        self._upkeep = Upkeep(
            lambda: resolve(facts), self._lease, policy=policy, on_published=self._published, spawn=spawn
        )
        self._mentions = Mentions(read_skills, {} if kept is None else skills_told(kept.world))
        self._signing_in = signing_in
        self._seats: dict[str, Seat] = {}
        self._attention = Attention()
        self._lost_state = LostState(pool)
        self._around = around
        self._telling = Telling(sections, kept)
        self._pid = os.getpid()
        self._upkeep.refresh_soon()

    def __repr__(self) -> str:
        return f"<Thread {self.id} [{self._upkeep.current if self.life is Life.LOADED else self.life}]>"

    async def __aenter__(self) -> Self:
        try:
            await self.require()
        except BaseException:
            await self.close()
            raise
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self.close()

    @property
    def id(self) -> str:
        """Its name, unique in its host."""
        return self.facts.id

    @property
    def client(self) -> ClientFacts:
        """What the client behind it can do."""
        return self.facts.client

    # ------------------------------------------------------------------ steps

    def step(self, *, mentions: Collection[str] = ()) -> Beginning:
        """Begin a step: `async with thread.step() as step`, or `step = await thread.step()` and `step.release()`.

        What changed since the step before is taken over, and servers are waited for: those never seen before for a
        short common grace, required ones and those of `mentions` (what the user named) until they run or have failed.
        Skills among these are read, and `news` tells them whole. Names of nothing that this thread has are ignored.

        Raises:
            Closed: the thread is closed, or not loaded.
        """
        self._ensure_usable()
        begun = origin()
        return Beginning(lambda: self._begin(mentions, begun))

    def mention(self, *names: str) -> None:
        """The user named these servers, plugins or skills, perhaps while a step runs: the next step waits for the
        servers, and `news` tells its model the skills."""
        self._mentions.add(*names)

    def mention_in(self, text: str) -> None:
        """The user said this: what is named in it, as `$NAME`, is mentioned."""
        self._mentions.add_from(text)

    def capture(self) -> Step:
        """Pin the current runtime, without waiting for anything; the caller releases the step.

        Raises:
            Closed: the thread is closed, not loaded, or has no runtime yet (`await thread.refresh()` gives it one).
        """
        self._ensure_usable()
        return self._capture(origin())

    async def _begin(self, mentions: Collection[str], begun: Origin) -> Step:
        await self.refresh()
        step = self._capture(begun)
        try:
            named = self._mentions.pending(mentions)
            await self._mentions.read(self.facts, named)
            await wait_for_servers(step.bindings, named, self._grace)
        except BaseException:
            step.release()
            raise
        self._mentions.done(named)
        step.pin_catalogues()
        return step

    def _capture(self, begun: Origin) -> Step:
        runtime = self._current()
        lost = self._lost_state.since_last_time(runtime)
        if lost:
            self._telling.lost(lost)
        return Step(runtime, self, self._sets, begun, lost)

    def news(self, step: Step, *, retained: Collection[str] | None = None) -> News:
        """What the model has to be told of the world with this step of this thread: all of it the first time, then what
        changed, and nothing if nothing did. It counts as told from here on.

        `retained` names the sections of which some fragment is still in the history: after a compaction those that it
        dropped are told anew. None: nothing was dropped.
        """
        around = self._around(self.facts)
        if around.skills is not None:
            self._mentions.forget_absent(around.skills)
        return self._telling.news(step, replace(around, mentioned=self._mentions.skills or None), retained)

    @property
    def world(self) -> WorldState:
        """What the model was told so far."""
        return self._telling.world

    def kept(self) -> dict[str, Any]:
        """What is to be kept of it now, for `host.thread(kept=...)` of a host to come: a plain value, for JSON."""
        return keep(self.facts, self.world.told, self._telling.untold.union(self._lost_state.at_stake))

    async def sign_in(self, server: str, show: Show, *, scopes: Sequence[str] = (), timeout: float = PATIENCE) -> None:
        """Have a person sign in to a server, on the thread's behalf: `show` gets the page for their browser here.

        What comes of it is kept, and used by new connections. With `scopes` more is asked for; those that run go on.

        Raises:
            ConfigError, ServerNotFound: it is no server that one signs in to; there is none of this name.
            ServerUnavailable, TimeoutError: it did not come about; it took longer than `timeout` seconds.
        """
        await self.refresh()
        with self.capture() as step:
            binding = step.binding(server)
        async with asyncio.timeout(timeout):
            await self._signing_in(binding, show, tuple(scopes))

    def interrupt(self) -> None:
        """The turn is over, or the user stopped it: what servers still ask is answered as cancelled.

        Calls go on: whoever makes them cancels them. Nothing that other threads wait for is touched, and no server is
        lost for later.
        """
        for lease in self._upkeep.leases:
            lease.interrupt()

    async def ready(self, timeout: float | None = None) -> dict[str, ServerUnavailable | None]:
        """Start every server and wait until each is ready or failed; None per server that is ready.

        Raises:
            TimeoutError: not all were done within `timeout` seconds.
        """
        async with asyncio.timeout(timeout):
            runtime, found = await self._started(lambda server: True)
        return found | {name: ServerUnavailable(name, reason) for name, reason in runtime.unavailable.items()}

    async def require(self) -> None:
        """Wait for the required servers.

        Raises:
            ServerUnavailable: one of them could not be started; the message names it and says why.
        """
        _, found = await self._started(lambda server: server.required)
        for outcome in found.values():
            if outcome is not None:
                raise outcome

    async def _started(self, wanted: Callable[[ServerConfig], bool]) -> Outcomes:
        return await all_started(self.refresh, self._current, self._upkeep.is_current, wanted)

    # ------------------------------------------------------------------ what it wants to hear

    async def set_log_level(self, server: str | None, level: str | None) -> None:
        """Hear log messages of this severity and above, from one server or, with None, from all.

        Raises:
            ValueError: there is no such severity.
            RpcError, CallTimeout: a server refuses, or does not answer.
        """
        await self._attention.set_log_level(self._upkeep.current, server, level)

    async def subscribe(self, server: str, uri: str) -> None:
        """Hear of updates of a resource. Raises: as `Step.call`, and ServerNotFound."""
        await self.refresh()
        with self.capture() as step:
            await self._attention.subscribe(step.binding(server), uri)

    async def unsubscribe(self, server: str, uri: str) -> None:
        """The opposite of `subscribe`."""
        with self.capture() as step:
            await self._attention.unsubscribe(step.binding(server), uri)

    # ------------------------------------------------------------------ its policy

    @property
    def policy(self) -> Policy:
        """The policy of later steps."""
        return self._upkeep.policy

    def set_policy(self, policy: Policy) -> None:
        """Decide by this from the next step on. Running steps, and what they prepared, keep the one that they have."""
        self._upkeep.policy = policy
        self.invalidate()

    @property
    def authority(self) -> Authority:
        """By what calls of later steps are decided on."""
        return self.policy.authority

    def set_authority(self, authority: Authority) -> None:
        """Decide on calls by this from the next step on."""
        self.set_policy(replace(self.policy, authority=authority))

    def forget_approvals(self) -> None:
        """Ask again for what was approved for this conversation."""
        self.approvals.remembered.clear()

    def set_sandbox_state(self, value: object) -> None:
        """Tell with each call of later steps in what sandbox this thread runs; None tells nothing.

        It is any JSON value, and goes as it is, in `_meta`, to the servers that declare that they want to know it.

        Raises:
            TypeError: it cannot be written as JSON.
        """
        state = None if value is None else msgspec.json.encode(value)
        self.set_policy(replace(self.policy, sandbox_state=state))

    # ------------------------------------------------------------------ its runtime

    @property
    def runtime(self) -> Runtime | None:
        """The runtime that the next step will pin, if nothing changes before; None while it has none."""
        return self._upkeep.current

    @property
    def pins(self) -> int:
        """How many steps and requests of it are under way."""
        return self._upkeep.pins

    def invalidate(self) -> None:
        """Something changed that its runtime depends on: bring it up to date, before the next step at the latest."""
        self._upkeep.invalidate()

    async def refresh(self) -> None:
        """Bring the runtime up to date, if something changed. Running steps keep the one that they have.

        Raises:
            Closed: the thread is closed, or not loaded.
            McpoolError: what it shall have could not be resolved; the next refresh tries again.
        """
        self._ensure_usable()
        await self._upkeep.refresh()
        self._ensure_usable()

    async def settled(self) -> None:
        """Wait for what `invalidate` began, whatever comes of it."""
        await self._upkeep.settled()

    def _lease(self, server: ServerConfig) -> Lease:
        facts = self.facts
        member = Member(thread=facts.conversation, root=facts.root, cwd=facts.cwd, principal=facts.principal)
        seat = self.seat(server.name)
        seat.patience = server.question_timeout
        return self._pool.acquire(server, seat, member)

    def _published(self, runtime: Runtime) -> None:
        self._attention.carry_over(runtime)
        for binding in runtime.bindings.values():
            if binding.config.start == "eager" or binding.config.required:
                binding.lease.backend.begin()

    def _current(self) -> Runtime:
        if self._upkeep.current is None:
            what = f"thread {self.id} has no runtime yet; `await thread.refresh()` gives it one"
            raise self._upkeep.trouble or Closed(what)
        return self._upkeep.current

    def ensure_loaded(self) -> None:
        """Raises: Closed, if it is closed or not loaded."""
        if self.life is not Life.LOADED:
            raise Closed(f"thread {self.id} {WHY_NOT[self.life]}")

    def _ensure_usable(self) -> None:
        self.ensure_loaded()
        if os.getpid() != self._pid:
            raise WrongProcess(f"thread {self.id} was opened before a fork; open a host in the child process")

    # ------------------------------------------------------------------ its life

    def undergo(self, event: LifeEvent) -> None:
        """One event of its life; `host.threads` has a verb for each. Steps that run go on.

        Raises:
            Closed: that can't be done with it now.
        """
        life = after(self.life, event)
        if life is None:
            raise Closed(f"thread {self.id} {WHY_NOT[self.life]}")
        before, self.life = self.life, life
        if before is Life.LOADED and life is not Life.LOADED:
            self._let_go()
        elif before is not Life.LOADED and life is Life.LOADED:
            self.approvals.resume()
            self._upkeep.open()

    async def close(self) -> None:
        """Give everything back. Steps that still run keep their runtime until they end. Safe to call twice."""
        self.end()
        await self.settled()

    def end(self) -> None:
        """`close`, without waiting for what it began in the background: its host does that. Safe to call twice."""
        if self.life is not Life.CLOSED:
            self.undergo(LifeEvent.CLOSE)
            self._on_close(self)

    def _let_go(self) -> None:
        for lease in self._upkeep.leases:
            lease.dismiss()
        self._upkeep.close()
        self.approvals.withdraw(f"the thread is {self.life}")

    # ------------------------------------------------------------------ what steps need of it (runtime.user.User)

    def seat(self, server: str) -> Seat:
        """This thread's holder for a server, always the same."""
        seat = self._seats.get(server)
        if seat is None:
            conversation = self.facts.conversation
            seat = self._seats[server] = Seat(self.id, conversation, server, self.client, self._listener, party=self)
        return seat

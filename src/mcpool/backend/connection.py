"""One initialized session with one server. It never reconnects: it ends."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Coroutine
from typing import Any

import msgspec

from mcpool.backend.client_side import declared
from mcpool.backend.connection_leases import ConnectionLeases, wants_leases
from mcpool.backend.hearers import Hearers, decode
from mcpool.backend.hearing import Hearing, declares
from mcpool.backend.holder import Holder
from mcpool.backend.holders import Holders
from mcpool.backend.phases import Phases
from mcpool.backend.questions import Questions
from mcpool.backend.relisting import Relisting
from mcpool.backend.sharing import Sharing
from mcpool.backend.terms import Terms
from mcpool.backend.tools import Annotations, Catalogue, read_catalogue
from mcpool.errors import MessageTooLarge, RpcError, ServerUnavailable
from mcpool.launch.to_the_end import to_the_end
from mcpool.wire.engine import Engine, Inbound
from mcpool.wire.envelope import Id, raw_id
from mcpool.wire.link import Choosy, Link, Sink
from mcpool.wire.lost import ConnectionLost, LostDuringProbe
from mcpool.wire.session import Era, Session

Opener = Callable[[Sink], Awaitable[Link]]
"""Starts the process, or reaches the endpoint, and ties it to the sink."""

Opening = asyncio.Future[ServerUnavailable | None]
"""A start under way: None when it is ready, or why it is not."""

RETIRE_MOST = 300.0
"""Seconds for which a connection that takes no new requests stays for the answers to those under way."""

RESTORE_PATIENCE = 2.0
"""Seconds for which a start waits until the server has taken note of all that again."""

SANDBOX_STATE = "codex/sandbox-state-meta"
"""The experimental capability of servers that want to know the thread's sandbox, and the `_meta` key that says it."""

_NOTES = 20


class _Cancelled(msgspec.Struct, rename="camel"):
    request_id: Id = None


class Connection:
    """From the first byte to the last of one process or endpoint.

    `own` is run by exactly one task, which opens everything and closes everything. `on_lost` and `on_relisted` are
    called in the moment when it happens.
    """

    def __init__(
        self,
        terms: Terms,
        generation: int,
        holders: Holders,
        sharing: Sharing,
        *,
        revision: Callable[[], int],
        on_lost: Callable[[Connection, ConnectionLost], None],
        on_relisted: Callable[[Connection], None],
        on_roots_wanted: Callable[[], None],
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        self.terms = terms
        self.generation = generation
        self.owner: asyncio.Task[Any] | None = None
        """The task that runs `own`."""
        self.link: Link | None = None
        self.session: Session
        self.hearing: Hearing
        self.catalogue = Catalogue(0, (), {})
        self.phases: Phases | None = None
        """How long its start took, once it is over."""
        self.ended_while_probed = False
        """It ended when it was asked for its era: it may do better without that question."""
        self.leases: ConnectionLeases | None = None
        """What tells threads apart, where the server wants to know."""
        self.wants_sandbox_state = False
        """Whether calls shall tell it the sandbox of their thread."""
        self.notes: tuple[str, ...] = ()
        """What the server does that it should not, one sentence each."""
        self._holders = holders
        self._revision = revision
        self._on_lost = on_lost
        self._on_relisted = on_relisted
        self._loop = loop
        self._tasks: set[asyncio.Task[None]] = set()
        self._lost: ConnectionLost | None = None
        self._retired = False
        self._ended: asyncio.Future[None] = loop.create_future()
        self.engine = Engine(terms.server, self, max_message_bytes=terms.max_message_bytes, loop=loop)
        self.questions = Questions(
            terms.server,
            self.engine,
            holders,
            sharing,
            self.adopt,
            roots=terms.roots,
            on_roots_wanted=on_roots_wanted,
            loop=loop,
        )
        self._hearers = Hearers(terms.server, holders, self.engine, self.questions, loop)
        self._relisting = Relisting(
            self._read_tools,
            self._relisted,
            note=self._note,
            alive=lambda: self.alive,
            spawn=self._spawn,
            timeout=terms.startup_timeout,
            loop=loop,
        )

    # ------------------------------------------------------------------ the owner task

    async def own(self, opener: Opener, remembered: Era | None, opened: Opening) -> None:
        """Open, live and close. `opened` gets None when the connection is ready, or the reason why it is not."""
        self.owner = asyncio.current_task()
        try:
            try:
                await self._open(opener, remembered)
            except ServerUnavailable as error:
                failure = error
            else:
                opened.set_result(None)
                await self._ended
                return
        finally:
            # Nothing may interrupt this: its end says that the process is gone.
            await to_the_end(self._close())
        opened.set_result(failure)

    async def _open(self, opener: Opener, remembered: Era | None) -> None:
        terms, roots = self.terms, None if self.terms.roots is None else ()
        phase = "being started"
        began = self._loop.time()
        try:
            async with asyncio.timeout(terms.startup_timeout):
                self.link = await opener(self.engine)
                self.engine.attach(self.link)
                phase = "the handshake"
                started = self._loop.time()
                self.session = await Session.open(
                    self.engine,
                    client_info=terms.client_info,
                    capabilities=declared(terms.capabilities, roots, leases=terms.new_lease_id is not None),
                    remembered=remembered,
                )
                self.hearing = Hearing(
                    self.session,
                    self._holders,
                    on_event=self.notified,
                    on_missed=self._missed,
                    note=self._note,
                    spawn=self._spawn,
                )
                if terms.new_lease_id is not None and wants_leases(self.session.capabilities):
                    self.leases = ConnectionLeases(self.session, terms.new_lease_id)
                self.wants_sandbox_state = declares(self.session.capabilities, "experimental", SANDBOX_STATE)
                phase = "the list of its tools"
                agreed = self._loop.time()
                await self._read_tools()
                self.phases = Phases(started - began, agreed - started, self._loop.time() - agreed)
        except TimeoutError:
            raise self.unavailable(
                f"no answer within {terms.startup_timeout:g} s to {phase}",
                "raise `startup_timeout_sec` if it is only slow",
            ) from None
        except ConnectionLost as lost:
            self.ended_while_probed = isinstance(lost, LostDuringProbe)
            raise self.unavailable(f"it {lost.reason} during {phase}", self.look_closer) from None
        except RpcError as error:
            raise self.unavailable(f"it refused {phase}: {error.reason}", "") from None
        except MessageTooLarge as error:
            raise self.unavailable(error.message, "") from None
        restoring = self._loop.create_task(self.hearing.restore())
        self.adopt(restoring)
        await asyncio.wait([restoring], timeout=RESTORE_PATIENCE)

    def unavailable(self, what: str, remedy: str) -> ServerUnavailable:
        """The error that says what happened, with the server's last words and what to do."""
        parts = [what, self.last_words, remedy]
        return ServerUnavailable(self.terms.server, "; ".join(part for part in parts if part))

    @property
    def look_closer(self) -> str:
        """What a person can do to see why it ended."""
        return "" if self.link is None or self.link.pid is None else "run its command by hand to see why"

    @property
    def last_words(self) -> str:
        """What the server, or the way to it, said last; empty if nothing."""
        if self.link is None or not (words := self.link.last_words().strip()):
            return ""
        return words if self.link.pid is None else f"its last words on stderr: {words}"

    async def _close(self) -> None:
        await self._end_tasks()
        if self.link is not None:
            await self.link.close()
            await self._end_tasks()  # of what the server still said and asked while it was ended

    async def _end_tasks(self) -> None:
        self._relisting.rest()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        self.adopt(self._loop.create_task(work))

    def adopt(self, task: asyncio.Task[None]) -> None:
        """Own a task: it ends with the connection."""
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    @property
    def usable(self) -> bool:
        """Whether nothing speaks against it that is known already. Costs nothing; who sends looks at `alive`."""
        return not self._retired and not self.engine.ended and self.link is not None

    @property
    def alive(self) -> bool:
        """Whether a request may be sent now, asked of the system afresh."""
        return not self._retired and self._may_answer

    @property
    def _may_answer(self) -> bool:
        return not self.engine.ended and self.link is not None and self.link.alive

    def annotations(self, tool: str) -> Annotations | None:
        """The live annotations of a tool; None if it is not listed."""
        definition = self.catalogue.by_name.get(tool)
        return None if definition is None else definition.annotations

    @property
    def why_lost(self) -> str:
        """What ended it, as a phrase that follows "it"."""
        return "is gone" if self._lost is None else self._lost.reason

    # ------------------------------------------------------------------ what it keeps in step

    async def _read_tools(self) -> bool:
        """Whether anything is different now."""
        if "tools" not in self.session.capabilities:
            return False
        items = await self.session.list_all("tools/list", "tools")
        choice = (self.link.why_unusable,) if isinstance(self.link, Choosy) else ()
        catalogue, refused = read_catalogue(items, self._revision(), *choice, connectors=self.terms.connectors)
        for sentence in refused:
            self._note(sentence)
        changed = catalogue.tools != self.catalogue.tools or not self.catalogue.revision
        if changed:
            self.catalogue = catalogue
        return changed

    def restore_soon(self) -> None:
        """Tell the server again what its holders want to hear."""
        if not self._ended.done():
            self._spawn(self.hearing.restore())

    def withdraw(self, uris: Collection[str]) -> None:
        """A holder that wanted to hear of these has left: tell the server what nobody wants to hear any more."""
        if not self._ended.done():
            self._spawn(self.hearing.withdraw(uris))

    # ------------------------------------------------------------------ what the engine tells (wire.engine.Peer)

    def on_request(self, inbound: Inbound) -> None:
        """A request of the server."""
        self.questions.receive(inbound)

    def on_notification(self, inbound: Inbound) -> None:
        """A notification that the engine could not give to a call's sink."""
        if inbound.method == "notifications/cancelled":
            self.questions.withdraw(raw_id(decode(inbound.params, _Cancelled).request_id))
        elif inbound.call is not None and inbound.call.sink is not None:
            inbound.call.sink.on_notification(inbound.method, inbound.params)
        else:
            self.notified(inbound.method, inbound.params)

    def on_settled(self) -> None:
        """A call of ours is over, or was cancelled."""
        self.questions.review()

    def on_garbage(self, kind: str, sample: bytes) -> None:
        """The server wrote something that is no message."""
        self._note(f"{kind} on stdout, e.g. {sample[:80]!r}")

    def on_closing(self, lost: ConnectionLost) -> None:
        """Nothing new should be sent over it."""
        self._lost = lost
        self.retire()
        self._on_lost(self, lost)

    def on_gap(self) -> None:
        """Changes may have gone untold."""
        self._missed()

    def on_lost(self, lost: ConnectionLost) -> None:
        """The connection is over."""
        self._lost = self._lost or lost
        self.questions.end()
        self._on_lost(self, lost)
        self.end()

    def end(self) -> None:
        """Let its owner task close it."""
        if not self._ended.done():
            self._ended.set_result(None)

    @property
    def goes_on(self) -> bool:
        """Whether it takes nothing new, and stays for answers that are still to come."""
        return self._retired and not self._ended.done()

    def retire(self) -> None:
        """Send nothing new over it, and end it: at once, or when those who wait for answers of it have them."""
        waiting = [call.future for call in self.engine.calls if call.owner is not None and not call.cancelled]
        retired, self._retired = self._retired, True
        if not waiting or not self._may_answer:
            self.end()
        elif not retired:
            self._spawn(self._end_after(waiting))

    async def _end_after(self, calls: Collection[asyncio.Future[bytes]]) -> None:
        await asyncio.wait(calls, timeout=RETIRE_MOST)
        self.end()

    def left(self, holder: Holder) -> None:
        """A holder has given back its last lease."""
        self.questions.forget(holder)
        if self.leases is not None and all(other.conversation != holder.conversation for other in self._holders):
            self.leases.release(holder.conversation)

    def kill(self) -> None:
        """End it without waiting for the server to do anything about it."""
        self.end()
        if self.link is not None:
            self.link.kill()

    def _note(self, sentence: str) -> None:
        if sentence not in self.notes:
            self.notes = (*self.notes, sentence)[-_NOTES:]

    def notified(self, method: str, params: bytes | None) -> None:
        """A notification that belongs to no call of somebody who listens."""
        if method == "notifications/progress":
            return
        if method == "notifications/tools/list_changed":
            self._relist_soon(announced=True)
        else:
            self._hearers.tell(method, params)

    def _missed(self) -> None:
        """Changes may have gone untold."""
        if not hasattr(self, "session"):
            return
        self._relist_soon(announced=False)
        capabilities = self.session.capabilities
        self._hearers.tell_all_changed(
            kind for kind in ("prompts", "resources") if declares(capabilities, kind, "listChanged")
        )

    def _relist_soon(self, *, announced: bool) -> None:
        if hasattr(self, "session"):  # what it says before the handshake is over, the first list knows
            self._relisting.soon(announced=announced)

    def _relisted(self) -> None:
        self._on_relisted(self)
        self._hearers.tell("notifications/tools/list_changed", None)

"""One client: its thread, its requests in flight, and the questions that it is asked. The same over every transport."""

from __future__ import annotations

import asyncio

from msgspec import Raw

from mcpool.backend.client_side import lacking
from mcpool.backend.holder import ClientFacts, Question
from mcpool.errors import RpcError
from mcpool.gateway import names
from mcpool.gateway.asking import Asking, unasked
from mcpool.gateway.client_state import ClientState
from mcpool.gateway.exchange import Exchange, Outlet, told_of
from mcpool.gateway.failure import REQUEST_CANCELLED, Failure
from mcpool.gateway.header_checks import check_headers
from mcpool.gateway.limits import Limits
from mcpool.gateway.listen import Subscription
from mcpool.gateway.message import Key, Message, failure_message, key_of, members, result_message
from mcpool.gateway.modern_result import stamped
from mcpool.gateway.notices import Notices
from mcpool.gateway.parking import Parking
from mcpool.gateway.questions import Questions
from mcpool.gateway.request_params import read_params
from mcpool.gateway.tasks import Tasks
from mcpool.gateway.thread_slot import ThreadSlot
from mcpool.gateway.upstream import Host, Step, Thread
from mcpool.gateway.view import View
from mcpool.wire.revisions import INTERNAL_ERROR, INVALID_PARAMS, INVALID_REQUEST, PROGRESS_TOKEN


class ClientSession:
    """Also the listener of its thread. `outlet` is where messages go that belong to no request of the client."""

    def __init__(
        self,
        host: Host,
        view: View,
        limits: Limits,
        *,
        principal: str,
        cwd: str | None,
        facts: ClientFacts,
        wants_roots: bool = False,
        parking: Parking | None = None,
        outlet: Outlet,
        shared: bool = False,
    ) -> None:
        """`parking`: it speaks 2026-07-28, and is asked by way of this.

        `shared`: its requests come over several connections, so that equal ids are no contradiction.
        """
        self.view = view
        self.modern = parking is not None
        self.closed = False
        self.outlet = outlet
        self.notices = Notices()
        self.tasks = Tasks()
        self.exchanges: dict[object, Exchange] = {}
        self._limits = limits
        self._shared = shared
        self._tokens: set[Key] = set()
        self._questions = Questions(limits)
        self._threads = ThreadSlot(
            host,
            self,
            principal=principal,
            cwd=cwd,
            facts=facts,
            only=view.only,
            announce=self._announce_lists,
        )
        self.state = ClientState(self._threads)
        self._asking = (
            Asking(parking, self._threads, limits, principal=principal, route=view.route, facts=facts)
            if parking is not None
            else None
        )
        self._wants_roots = wants_roots
        self._roots_known = False
        self._asking_roots: asyncio.Task[None] | None = None
        self.used = asyncio.get_running_loop().time()

    @property
    def busy(self) -> bool:
        """Whether something is done for the client."""
        return bool(self.exchanges) or (self._asking is not None and self._asking.busy)

    # ------------------------------------------------------------------ requests

    def begin(self, message: Message, outlet: Outlet) -> Exchange:
        """Take up a request. `finish` or `perform` gives it back.

        Raises:
            Failure: its params or id cannot be used, or it is in flight already.
        """
        if self.closed:
            raise Failure(INVALID_REQUEST, "this session has ended")
        id_ = bytes(message.id)
        key: Key | object = key_of(message.id, self._limits.id_bytes)
        fields, meta = read_params(message)
        token = None if meta is None else meta.pop(PROGRESS_TOKEN, None)
        if self._shared:
            key = object()
        elif key in self.exchanges:
            raise Failure(INVALID_REQUEST, f"a request with the id {id_.decode()} is in flight already in this session")
        if len(self.exchanges) >= self._limits.exchanges:
            raise Failure(INTERNAL_ERROR, f"{len(self.exchanges)} requests of this session are in flight: wait for one")
        exchange = Exchange(id_, key, message.method, fields, meta, token, outlet, modern=self.modern)
        if token is not None:
            self._claim_token(token)
        self.exchanges[key] = exchange
        return exchange

    async def perform(self, exchange: Exchange) -> tuple[bytes, int]:
        """Do what a request wants; returns the whole response message, and its error code or 0.

        A cancelled request is answered with REQUEST_CANCELLED, for transports that need an answer.
        """
        task = exchange.task = asyncio.current_task()
        try:
            if exchange.cancelled is not None:
                # It was cancelled before its turn came.
                raise asyncio.CancelledError
            if self._asking is not None and self._asking.concerns(exchange):
                if names.REQUEST_STATE in exchange.fields:
                    await self._check_headers(exchange, self._threads.current or await self._threads.open())
                result = await self._asking.perform(exchange, self._answer)
            else:
                thread = self._threads.current or await self._threads.open()
                if self._asking_roots is not None:
                    await asyncio.wait([self._asking_roots])
                    thread = self._threads.current or thread
                result = await self._answer(exchange, thread)
        except asyncio.CancelledError:
            if exchange.cancelled is None or task is None or task.uncancel() > 0:
                raise
            failure = Failure(REQUEST_CANCELLED, f"Request cancelled: {exchange.cancelled}")
        except Exception as error:
            failure = told_of(error, exchange)
        else:
            return result_message(exchange.id, result), 0
        finally:
            self.finish(exchange)
        return failure_message(exchange.id, failure), failure.code

    def finish(self, exchange: Exchange) -> None:
        """Forget a request. Safe to call twice."""
        if exchange.settled:
            return
        exchange.settled = True
        self._free_names(exchange)
        if not self.exchanges:
            self._threads.release_old()
        self.used = asyncio.get_running_loop().time()

    # ------------------------------------------------------------------ what else the client says

    def notified(self, message: Message) -> None:
        """Take a notification of the client. Those that concern nobody are ignored, as the protocol wants it."""
        match message.method:
            case names.CANCELLED:
                self._cancelled(message)
            case names.INITIALIZED:
                self.ask_roots()
            case names.ROOTS_CHANGED:
                self._roots_known = False
                self.ask_roots()
            case _:
                pass

    def responded(self, message: Message) -> bool:
        """Take the client's answer to a question; False if there is no such question (any more)."""
        return self._questions.settle(message)

    def ask_roots(self) -> None:
        """Ask the client for its roots, if it offers any, can be reached, and did not tell them yet.

        Requests wait for the answer a moment.
        """
        if self._wants_roots and not self._roots_known and self.outlet.is_open and self._asking_roots is None:
            self._asking_roots = self.tasks.start(self._ask_roots())

    async def initialize(self, revision: str) -> bytes:
        """The raw result of `initialize`."""
        thread = self._threads.current or await self._threads.open()
        step = thread.capture()
        try:
            return await self.view.initialize(step, revision)
        finally:
            step.release()

    async def close(self, reason: str = "the session has ended") -> None:
        """End everything that goes on for this client. Safe to call twice."""
        self.closed = True
        for exchange in list(self.exchanges.values()):
            if exchange.method != names.LISTEN:
                exchange.cancel(reason)
        self.notices.close()
        if self._asking is not None:
            await self._asking.close()
        await self.tasks.close()
        await self._threads.close()

    # ------------------------------------------------------------------ what servers say (threads.seat.Listener)

    def on_notification(self, server: str, method: str, params: bytes | None) -> None:
        """Pass on what belongs to no request."""
        if self.closed or not self.view.hears(server):
            return
        if method in names.LIST_CHANGED:
            self.state.forget_names()
        if not self.modern:
            self.notices.to_outlet(self.outlet, method, params)
        elif method == names.LOG:
            sole = self._sole_exchange(server)
            if sole is not None:
                sole.on_notification(method, params)
        else:
            self.notices.to_listeners(method, params)

    async def on_question(self, question: Question) -> bytes:
        """Ask the client, on the stream of the request that caused it, else on the session's.

        Of a 2026-07-28 client, what concerns a request comes to the listener of that request's thread (`Asking`). What
        comes here concerns none that could be answered with a question.
        """
        if self._asking is not None:
            raise unasked(question)
        reason = lacking(question.method, question.params, self._threads.facts)
        if reason is not None:
            raise RpcError(question.server, INVALID_REQUEST, reason)
        outlet = self._outlet_for(question)
        if outlet is None:
            reason = "the client cannot be asked: it has no event stream open"
            raise RpcError(question.server, INTERNAL_ERROR, reason)
        return await self._questions.ask(outlet, question)

    # ------------------------------------------------------------------ within

    async def _answer(self, exchange: Exchange, thread: Thread) -> bytes:
        step = thread.capture()
        try:
            if exchange.headers is not None and exchange.method == names.CALL:
                await check_headers(self.view, self.state, step, exchange, exchange.headers)
            if exchange.method == names.LISTEN and exchange.modern:
                result = await self._listen(exchange, step)
            else:
                result = await self.view.answer(self.state, step, exchange)
        finally:
            step.release()
        return stamped(exchange.method, result) if exchange.modern else result

    async def _check_headers(self, exchange: Exchange, thread: Thread) -> None:
        if exchange.headers is not None and exchange.method == names.CALL:
            step = thread.capture()
            try:
                await check_headers(self.view, self.state, step, exchange, exchange.headers)
            finally:
                step.release()

    async def _listen(self, exchange: Exchange, step: Step) -> bytes:
        if len(self.notices.listens) >= self._limits.listens:
            raise Failure(INTERNAL_ERROR, f"{len(self.notices.listens)} subscriptions are open already")
        subscription = Subscription(exchange)
        self.notices.listens.append(subscription)
        try:
            await subscription.begin(self._threads, lambda uri: self.view.owner_of(self.state, step, uri, modern=True))
            # It may last for days: it must not pin what the configuration has long replaced.
            step.release()
            return await subscription.run()
        finally:
            if subscription in self.notices.listens:
                self.notices.listens.remove(subscription)
            subscription.give_up(self._threads)

    def _claim_token(self, token: Raw) -> None:
        value = key_of(token, self._limits.id_bytes, "progress token")
        if self._shared:
            return
        if value in self._tokens:
            text = bytes(token).decode()
            raise Failure(INVALID_PARAMS, f"the progress token {text} is in use by another request of this session")
        self._tokens.add(value)

    def _cancelled(self, message: Message) -> None:
        try:
            fields = members(message.params or b"{}")
            key = key_of(fields["requestId"], self._limits.id_bytes)
        except (ValueError, KeyError, Failure):
            return
        exchange = self.exchanges.get(key)
        if exchange is not None and exchange.method != names.INITIALIZE:
            exchange.cancel("the client cancelled it")
            self._free_names(exchange)  # from here on nothing is said under them: the client may use them again

    def _free_names(self, exchange: Exchange) -> None:
        if self.exchanges.get(exchange.key) is exchange:
            del self.exchanges[exchange.key]
            if exchange.token is not None and not self._shared:
                self._tokens.discard(key_of(exchange.token, self._limits.id_bytes))

    def _outlet_for(self, question: Question) -> Outlet | None:
        cause = question.sink
        if not isinstance(cause, Exchange) and self.outlet.is_open:
            return self.outlet
        if not isinstance(cause, Exchange):
            cause = self._sole_exchange(question.server)
        if cause is not None and not cause.settled and cause.outlet.is_open:
            return cause.outlet
        return self.outlet if self.outlet.is_open else None

    def _sole_exchange(self, server: str) -> Exchange | None:
        """The one request that this server works on for this client, if it is one."""
        parked = frozenset[Exchange]() if self._asking is None else self._asking.at_work
        working = [exchange for exchange in {*self.exchanges.values(), *parked} if exchange.server == server]
        return working[0] if len(working) == 1 else None

    def _announce_lists(self, server: str) -> None:
        self.on_notification(server, names.TOOLS_CHANGED, None)

    async def _ask_roots(self) -> None:
        try:
            while not self._roots_known and self.outlet.is_open:
                self._roots_known = True  # unless it says meanwhile that they have changed again
                async with asyncio.timeout(self._limits.roots_timeout):
                    answer = await self._questions.ask(self.outlet, Question("mcpool", names.ROOTS, b"{}"))
                await self._threads.take_roots(answer)
                if not self.exchanges:
                    self._threads.release_old()
        except (TimeoutError, RpcError):
            self._roots_known = False
        finally:
            self._asking_roots = None

"""Calls whose clients look for answers: kept for a while, found by the state that the client hands back."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from mcpool.backend.holder import Question
from mcpool.gateway import request_state
from mcpool.gateway.asked_call import AskedCall
from mcpool.gateway.exchange import Exchange
from mcpool.gateway.input_round import input_required, read_answers
from mcpool.gateway.limits import Limits
from mcpool.gateway.names import REQUEST_STATE
from mcpool.gateway.request_state import Bond

_NONCE_BYTES = 12


class Places:
    """How many calls may ask their clients at once: in all, and of one client."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._taken: Counter[object] = Counter()

    @property
    def taken(self) -> int:
        """How many do."""
        return self._taken.total()

    def take(self, client: object) -> bool:
        """One more; False if there are too many."""
        limits = self._limits
        if self._taken.total() >= limits.parked or self._taken[client] >= limits.parked_per_client:
            return False
        self._taken[client] += 1
        return True

    def give_back(self, client: object) -> None:
        """One less."""
        self._taken[client] -= 1
        if not self._taken[client]:
            del self._taken[client]


@dataclass(frozen=True, slots=True, eq=False)
class _Parked:
    call: AskedCall
    timer: asyncio.TimerHandle


class Parking:
    """The calls of one face that wait for answers. Each state is good once, for whom and what it was made for."""

    def __init__(
        self,
        limits: Limits,
        key: bytes,
        places: Places,
        *,
        alone: bool = False,
        now: Callable[[], float] = time.time,
    ) -> None:
        """`key` signs states; `now` gives seconds since the epoch. `alone`: the face is of one client."""
        self._limits = limits
        self._key = key
        self._places = places
        self._alone = alone
        self._now = now
        self._parked: dict[bytes, _Parked] = {}
        self._asking: dict[AskedCall, object] = {}

    def __len__(self) -> int:
        return len(self._parked)

    def admit(self, call: AskedCall, principal: str) -> bool:
        """Whether this call of that principal may ask. It holds its place until it is dropped."""
        if call not in self._asking:
            client = self if self._alone else principal
            if not self._places.take(client):
                return False
            self._asking[call] = client
        return True

    def park(self, call: AskedCall, questions: Mapping[str, Question], bond: Bond) -> bytes:
        """The raw result that asks these questions; the call waits for a request that answers them."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        patience = call.patience
        timer = asyncio.get_running_loop().call_later(patience, self._expire, nonce)
        self._parked[nonce] = _Parked(call, timer)
        call.leave()
        return input_required(questions, request_state.seal(nonce, self._now() + patience, bond, self._key))

    def resume(self, exchange: Exchange, bond: Bond) -> AskedCall | None:
        """The call that a request continues, which it answers; None if it presents no state of ours.

        Raises:
            Failure: its state may not be presented, or its answers are none. Nothing was touched then.
        """
        state = request_state.unseal(exchange.fields.get(REQUEST_STATE), self._key)
        if state is None:
            return None
        request_state.check(state, bond, self._now())
        parked = self._parked.get(state.nonce)
        if parked is None:
            raise request_state.refused("over")
        answers = read_answers(exchange.fields, parked.call.questions)
        self._forget(state.nonce)
        parked.call.resume(exchange, answers)
        return parked.call

    def drop(self, call: AskedCall) -> None:
        """It is over: its states are good for nothing any more."""
        client = self._asking.pop(call, None)
        if client is None:
            return
        self._places.give_back(client)
        for nonce in [nonce for nonce, parked in self._parked.items() if parked.call is call]:
            self._forget(nonce)

    def close(self) -> None:
        """The face is gone: nobody can come back to it."""
        for call in list(self._asking):
            call.end()
            self.drop(call)

    def _expire(self, nonce: bytes) -> None:
        call = self._forget(nonce)
        call.expire()
        self.drop(call)

    def _forget(self, nonce: bytes) -> AskedCall:
        parked = self._parked.pop(nonce)
        parked.timer.cancel()
        return parked.call

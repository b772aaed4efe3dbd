"""Whose is a request that a server makes over a shared connection? Pure.

A handshake-era server does not say which call made it ask. Where the message names its call the answer is exact; else
it is certain only if a single thread has an unanswered request on the connection. If several have, the question is held
while the others finish: whoever made the server ask cannot finish before it is answered. Nobody is ever guessed, for a
guess could show one user's question to another.

This is exact for servers that ask only while they work on a request of the thread whom the question is for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

OwnerT = TypeVar("OwnerT")

HOLD = 10.0
"""Seconds for which a question is held at most."""


@dataclass(frozen=True, slots=True)
class Deliver(Generic[OwnerT]):
    """The request is this owner's."""

    owner: OwnerT


@dataclass(frozen=True, slots=True)
class Decline:
    """Nobody may be asked; `reason` is told to the server."""

    reason: str
    unasked: bool = False
    """The server asks while nobody has asked it anything: it cannot be shared by threads that want to be asked."""


@dataclass(frozen=True, slots=True)
class Hold:
    """It cannot be said yet."""


def route(
    named: OwnerT | None, candidates: Sequence[OwnerT | None], *, only: OwnerT | None = None
) -> Deliver[OwnerT] | Decline | Hold:
    """Decide who answers a request that has just come.

    `named` is the owner of the call that the message names. `candidates` are the owners, each once, of all requests on
    the connection that the server has not answered, cancelled and timed-out ones included; None stands for requests of
    our own. `only` is the one thread that uses this process, if that is so; others of its conversation may have.
    """
    if named is not None:
        return Deliver(named)
    if only is not None and all(owner in (only, None) for owner in candidates):
        return Deliver(only)
    owners = [owner for owner in candidates if owner is not None]
    if not owners:
        what = "no request of any client is waiting for this server, so nobody can be asked"
        return Decline(f"{what}; from now on each client gets a process of its own, in which it can be", unasked=True)
    return Deliver(owners[0]) if len(candidates) == 1 else Hold()


def settle(held: Sequence[Sequence[OwnerT | None]]) -> list[Deliver[OwnerT] | Decline | Hold]:
    """Decide anew about the questions that are held, oldest first.

    For each it takes the owners, each once, of those requests that were unanswered when it came and still are. If as
    many are held as there are owners, nobody might ever finish: then the newest is declined.
    """
    decisions = [_of_those_left(owners) for owners in held]
    holding = [number for number, decision in enumerate(decisions) if isinstance(decision, Hold)]
    while holding and len(holding) >= len({owner for number in holding for owner in held[number]}):
        newest = holding.pop()
        decisions[newest] = Decline(
            f"{len(held[newest])} clients are waiting for this server, each may be the one whom it asks, and none of "
            "them can finish before it is answered"
        )
    return decisions


def _of_those_left(owners: Sequence[OwnerT | None]) -> Deliver[OwnerT] | Decline | Hold:
    if len(owners) > 1:
        return Hold()
    if owners and owners[0] is not None:
        return Deliver(owners[0])
    return Decline("the request that made the server ask has ended, so nobody can be asked")


def held_too_long(owners: int) -> Decline:
    """The decision about a question that was held for `HOLD` seconds, and is still that of one of several owners."""
    return Decline(
        f"{owners} clients are waiting for this server, it does not say whose request made it ask, "
        f"and within {HOLD:g} s they did not finish"
    )

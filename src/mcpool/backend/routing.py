"""Whose is a request that a server makes over a shared connection? Pure.

A handshake-era server does not say which call made it ask. Where the message names its call the answer is exact; else
it is certain only if a single thread has an unanswered request on the connection. Otherwise nobody is asked: guessing
could show one user's question to another.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

OwnerT = TypeVar("OwnerT")


@dataclass(frozen=True, slots=True)
class Deliver(Generic[OwnerT]):
    """The request is this owner's."""

    owner: OwnerT


@dataclass(frozen=True, slots=True)
class Decline:
    """Nobody may be asked; `reason` is told to the server."""

    reason: str


def route(named: OwnerT | None, unanswered: Sequence[OwnerT]) -> Deliver[OwnerT] | Decline:
    """Decide who answers.

    `named` is the owner of the call that the message names, `unanswered` are the owners, each once, of all requests on
    the connection that the server has not answered, cancelled and timed-out ones included.
    """
    if named is not None:
        return Deliver(named)
    if len(unanswered) == 1:
        return Deliver(unanswered[0])
    if not unanswered:
        return Decline("no request of any client is waiting for this server, so nobody can be asked")
    return Decline(f"{len(unanswered)} clients are waiting for this server and it does not say whose request this is")

"""The first words on a socket: a new session, or the one of before."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import msgspec

from mcpool.environments import protocol
from mcpool.environments.protocol import Info, Initialize, Initialized, Message, Nothing
from mcpool.environments.session import Refused, understood
from mcpool.environments.socket import Socket

T = TypeVar("T")
_CLIENT = "mcpool"
_INITIALIZE_ID, _INFO_ID = 1, 2
_MOST_EARLY = 10_000
"""Messages before the answer: those of a session that is resumed come at once."""


@dataclass(frozen=True, slots=True)
class Greeted:
    """What the executor said."""

    session: str
    info: Info
    early: tuple[Message, ...]
    """What it told of the session besides, before it was asked for anything."""


async def shake_hands(socket: Socket, resume: str | None = None) -> Greeted:
    """Open a session, or the one of this id again.

    Raises:
        Refused: the executor does not have that session, or wants no other.
        ConnectionError: the socket was lost, or what came is not this protocol.
    """
    early: list[Message] = []
    await socket.send(protocol.request(_INITIALIZE_ID, protocol.INITIALIZE, Initialize(_CLIENT, resume)))
    greeting = await _answer(socket, _INITIALIZE_ID, Initialized, early)
    await socket.send(protocol.notification(protocol.INITIALIZED, Nothing()))
    info = greeting.environment_info
    if info is None:
        await socket.send(protocol.request(_INFO_ID, protocol.INFO, Nothing()))
        try:
            info = await _answer(socket, _INFO_ID, Info, early)
        except Refused:
            info = Info()
    return Greeted(greeting.session_id, info, tuple(early))


async def _answer(socket: Socket, id: int, kind: type[T], early: list[Message]) -> T:
    while True:
        message = understood(await socket.receive())
        if message.method is not None or message.id != id:
            early.append(message)
            if len(early) > _MOST_EARLY:
                raise ConnectionError("it says much, and does not answer")
        elif message.error is not None:
            raise Refused(message.error)
        else:
            try:
                return msgspec.json.decode(message.result, type=kind)
            except (msgspec.DecodeError, RecursionError) as error:
                raise ConnectionError(f"it speaks another protocol: {error}") from None

"""A session with an executor, over a socket that only notes what is sent."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx2
import msgspec
import pytest

from mcpool.environments import protocol
from mcpool.environments.executor_files import ExecutorFiles
from mcpool.environments.executor_http import ExecutorTransport
from mcpool.environments.protocol import Capabilities, Closed, Exited, Info, Message, Output
from mcpool.environments.session import FIRST_ID, Session, understood

DEEP = msgspec.Raw(b'{"x":' + b"[" * 100_000 + b"]" * 100_000 + b"}")


class Noting:
    """A `Socket` and a `Process`."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self.sent: list[dict[str, Any]] = []
        self.told = asyncio.Event()

    async def send(self, message: bytes) -> None:
        """Whoever waited for one of the processes leaves in the meantime."""
        self.sent.append(json.loads(message))
        self.told.set()
        self._session.detach("b")
        await asyncio.sleep(0)

    async def receive(self) -> bytes:
        await asyncio.get_running_loop().create_future()
        raise ConnectionError

    async def close(self) -> None: ...

    def on_event(self, note: Output | Exited | Closed) -> None: ...

    def on_resumed(self) -> None: ...

    def on_lost(self, reason: str) -> None: ...


def opened() -> tuple[Session, Noting]:
    session = Session("box", 1, "s", Info())
    return session, Noting(session)


async def asked_for(session: Session) -> None:
    """Until something is."""
    async with asyncio.timeout(10):
        while " 1 unanswered" not in repr(session):  # noqa: ASYNC110 (nobody tells)
            await asyncio.sleep(0)


async def test_a_goodbye_names_every_process_though_one_is_let_go_meanwhile() -> None:
    session, socket = opened()
    for id in "abc":
        session.attach(id, socket)
    await session.say_goodbye(socket)
    assert [message["params"]["processId"] for message in socket.sent] == ["a", "b", "c"]


async def test_an_http_request_that_nobody_waits_for_any_more_is_not_made() -> None:
    session, socket = opened()
    async with httpx2.AsyncClient(transport=ExecutorTransport(session)) as client:
        asking = asyncio.create_task(client.get("http://there/"))
        await asked_for(session)
        asking.cancel()
        await asyncio.wait([asking])
    serving = asyncio.create_task(session.serve(socket))
    asked = asyncio.create_task(session.request(protocol.STATUS, protocol.Nothing(), protocol.Nothing))
    await socket.told.wait()
    assert [message["method"] for message in socket.sent] == [protocol.STATUS]
    for task in (asked, serving):
        task.cancel()
    await asyncio.wait([asked, serving])


@pytest.mark.parametrize("number", ["9" * 5000, "2" * 9])
async def test_an_error_of_any_number_is_an_error_of_the_system(number: str) -> None:
    session, _ = opened()
    looking = asyncio.create_task(ExecutorFiles(lambda: session).kind("/kit"))
    await asked_for(session)
    session.hear(understood(protocol.refusal(FIRST_ID, protocol.INTERNAL_ERROR, f"no (os error {number})")))
    with pytest.raises(OSError, match="no "):
        await looking


async def test_an_answer_that_is_nested_too_deeply_is_not_understood() -> None:
    session, _ = opened()
    with pytest.raises(ConnectionError, match="not understood"):
        session.read(Message(FIRST_ID, result=DEEP), protocol.Nothing)


async def test_an_announcement_that_is_nested_too_deeply_is_not_understood() -> None:
    session, _ = opened()
    with pytest.raises(ConnectionError, match="not understood"):
        session.hear(Message(method=protocol.CLOSED, params=DEEP))


@pytest.mark.parametrize("can", [False, True])
def test_only_an_executor_that_can_be_told_is_told_that_nobody_wants_an_answer_any_more(can: bool) -> None:
    """Codex's ends the connection when it hears what it does not know."""
    session = Session("box", 1, "s", Info(capabilities=Capabilities(mcpool_http_cancel=can)))
    session.expect_body("b", Unheard())
    session.cancel_body("b")
    session.cancel_body("b")
    assert f" {int(can)} unanswered" in repr(session)


class Unheard:
    """A body of which nothing comes."""

    def on_piece(self, note: protocol.HttpBody) -> None: ...

    def on_lost(self, reason: str) -> None: ...

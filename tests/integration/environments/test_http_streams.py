"""HTTP answers without an end, through an executor that is a real process."""

from __future__ import annotations

import asyncio

import httpx2
from starlette.types import Receive, Scope, Send

from mcpool.environments.executor_http import ExecutorTransport
from support.exec_servers import ExecServer
from support.executor_client import DEADLINE, client_of
from support.served import serving


class Endless:
    """Says one word to whoever comes, if it answers at all, and no more until they leave."""

    def __init__(self, *, answers: bool = True) -> None:
        self.came = 0
        self.here = 0
        self._answers = answers
        self._changed = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        await receive()
        self._count(+1)
        if self._answers:
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b"word", "more_body": True})
        await receive()
        self._count(-1)

    def _count(self, step: int) -> None:
        self.came += max(step, 0)
        self.here += step
        self._changed.set()

    async def until(self, here: int) -> None:
        """Wait until so many are here."""
        async with asyncio.timeout(DEADLINE):
            while self.here != here:
                self._changed.clear()
                await self._changed.wait()


async def test_what_comes_of_a_stream_comes_at_once(far: ExecServer) -> None:
    async with serving(Endless()) as url, client_of(far) as client:
        transport = ExecutorTransport(await client.session())
        async with (
            asyncio.timeout(DEADLINE),
            httpx2.AsyncClient(transport=transport) as http,
            http.stream("GET", url, timeout=None) as answer,
        ):
            assert await anext(answer.aiter_raw()) == b"word"


async def test_streams_that_are_closed_here_are_closed_there_and_do_not_count(ours: ExecServer) -> None:
    endless = Endless()
    async with serving(endless) as url, client_of(ours) as client:
        transport = ExecutorTransport(await client.session())
        async with httpx2.AsyncClient(transport=transport) as http:
            for _ in range(600):
                async with http.stream("GET", url) as answer:
                    assert await anext(answer.aiter_raw()) == b"word"
        await endless.until(0)
    assert endless.came == 600


async def test_a_request_that_is_given_up_before_its_answer_is_given_up_there(ours: ExecServer) -> None:
    endless = Endless(answers=False)
    async with serving(endless) as url, client_of(ours) as client:
        transport = ExecutorTransport(await client.session())
        async with httpx2.AsyncClient(transport=transport) as http:
            asking = asyncio.create_task(http.get(url, timeout=None))
            await endless.until(1)
            asking.cancel()
            await endless.until(0)

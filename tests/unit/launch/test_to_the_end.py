"""Cleaning up that a cancellation may delay but not interrupt."""

from __future__ import annotations

import asyncio

import pytest

from mcpool.launch.to_the_end import to_the_end


async def test_it_gives_the_result() -> None:
    async def work() -> int:
        return 7

    assert await to_the_end(work()) == 7


async def test_an_error_comes_through() -> None:
    async def work() -> None:
        raise LookupError("gone")

    with pytest.raises(LookupError):
        await to_the_end(work())


async def test_a_cancelled_caller_waits_for_the_end_and_is_cancelled_then() -> None:
    go, done = asyncio.Event(), asyncio.Event()

    async def work() -> None:
        await go.wait()
        done.set()

    caller = asyncio.create_task(to_the_end(work()))
    await asyncio.sleep(0)
    for _ in range(2):
        caller.cancel()
        await asyncio.sleep(0)
    assert not caller.done()
    go.set()
    with pytest.raises(asyncio.CancelledError):
        await caller
    assert done.is_set()


async def test_a_cancellation_in_the_moment_of_the_end_is_not_lost() -> None:
    """Or the caller would go on as if nobody had told it to stop."""

    async def work() -> None:
        asyncio.get_running_loop().call_soon(caller.cancel)

    caller = asyncio.create_task(to_the_end(work()))
    with pytest.raises(asyncio.CancelledError):
        await caller

"""Work that may hang, in a thread of its own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator

import pytest

from mcpool.config.own_thread import OwnThread

NAME = "under test"
LONG = 30.0


@pytest.fixture
def release() -> Iterator[threading.Event]:
    """What hangs waits for this."""
    event = threading.Event()
    yield event
    event.set()
    gone()


def gone() -> None:
    for thread in threading.enumerate():
        if thread.name == NAME:
            thread.join(LONG)
            assert not thread.is_alive()


async def test_what_the_work_returns_or_raises_is_its_caller_s() -> None:
    def fails() -> None:
        raise KeyError(1)

    thread = OwnThread(NAME, LONG)
    assert await thread.run(lambda: 7) == 7
    with pytest.raises(KeyError):
        await thread.run(fails)
    assert await thread.run(lambda: 8) == 8


def test_who_blocks_waits_no_longer_than_that_and_not_at_all_while_it_still_hangs(release: threading.Event) -> None:
    begun = threading.Event()

    def hangs() -> None:
        begun.set()
        release.wait()

    thread = OwnThread(NAME, 0.02)
    while not begun.is_set():  # a busy machine may not even have begun in that time
        with pytest.raises(TimeoutError):
            thread.wait(hangs)
    with pytest.raises(TimeoutError):
        thread.wait(lambda: pytest.fail("another hangs"))
    release.set()
    gone()
    assert OwnThread(NAME, LONG).wait(lambda: 8) == 8


def test_a_time_out_of_the_work_itself_is_told_and_blocks_nobody() -> None:
    def fails() -> None:
        raise TimeoutError("mine")

    thread = OwnThread(NAME, LONG)
    with pytest.raises(TimeoutError, match="mine"):
        thread.wait(fails)
    assert thread.wait(lambda: 8) == 8


async def test_it_does_not_use_the_executor_that_others_wait_for(release: threading.Event) -> None:
    thread = OwnThread(NAME, LONG)
    waiting = [asyncio.create_task(thread.run(release.wait)) for _ in range(100)]
    assert await asyncio.to_thread(lambda: 7) == 7
    release.set()
    assert all(await asyncio.gather(*waiting))


async def test_its_thread_goes_with_its_work() -> None:
    await OwnThread(NAME, LONG).run(lambda: 7)
    gone()


async def test_who_waits_gives_up_in_time(release: threading.Event) -> None:
    with pytest.raises(TimeoutError):
        await OwnThread(NAME, 0.01).run(release.wait)


async def test_nobody_waits_behind_what_was_given_up_on_until_it_ends(release: threading.Event) -> None:
    thread, ran = OwnThread(NAME, 0.01), list[int]()
    with pytest.raises(TimeoutError):
        await thread.run(release.wait)
    with pytest.raises(TimeoutError):
        await thread.run(lambda: ran.append(1))
    release.set()
    gone()
    await thread.run(lambda: ran.append(2))
    assert ran == [2]


async def test_what_is_given_up_on_before_its_turn_never_runs(release: threading.Event) -> None:
    thread, ran = OwnThread(NAME, LONG), list[int]()
    first = asyncio.create_task(thread.run(release.wait))
    second = asyncio.create_task(thread.run(lambda: ran.append(2)))
    await asyncio.sleep(0)
    second.cancel()
    await asyncio.wait([second])
    release.set()
    await first
    await thread.run(lambda: ran.append(3))
    assert ran == [3]


async def test_a_time_out_of_the_work_itself_is_its_own_error() -> None:
    def fails() -> None:
        raise TimeoutError("the bus")

    thread = OwnThread(NAME, LONG)
    with pytest.raises(TimeoutError, match="the bus"):
        await thread.run(fails)
    assert await thread.run(lambda: 7) == 7

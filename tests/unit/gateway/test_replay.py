"""How long dropped streams are kept."""

from __future__ import annotations

import asyncio

from mcpool.gateway.limits import Limits
from mcpool.gateway.outbox import Kind
from mcpool.gateway.replay import ReplayStore


def _store(limits: Limits) -> ReplayStore:
    return ReplayStore(limits, asyncio.get_running_loop(), "abc")


async def test_stream_that_is_read_is_kept() -> None:
    store = _store(Limits(replay_after=0))
    outbox = store.new("p")
    assert store.get(outbox.name or "") is outbox


async def test_stream_that_was_given_up_is_kept_for_its_time() -> None:
    store = _store(Limits(replay_after=60))
    outbox = store.new("p")
    store.give_up(outbox)
    assert store.get(outbox.name or "") is outbox
    late = _store(Limits(replay_after=-1))
    outbox = late.new("p")
    late.give_up(outbox)
    assert late.get(outbox.name or "") is None


async def test_oldest_go_first_when_there_are_too_many_or_they_are_too_large() -> None:
    for limits in (Limits(replay_streams=2), Limits(replay_bytes=250)):
        store = _store(limits)
        boxes = [store.new("p") for _ in range(3)]
        for box in boxes:
            box.put(Kind.ANSWER, b"x" * 60)
            store.give_up(box)
        assert [store.get(box.name or "") is not None for box in boxes] == [False, True, True]


async def test_stream_that_is_read_again_does_not_go() -> None:
    store = _store(Limits(replay_streams=0))
    outbox = store.new("p")
    store.hold(outbox)
    store.give_up(store.new("p"))
    assert store.get(outbox.name or "") is outbox

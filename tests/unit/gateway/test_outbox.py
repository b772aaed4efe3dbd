"""What a stream keeps, drops and repeats."""

from __future__ import annotations

import asyncio

import pytest

from mcpool.gateway.limits import Limits
from mcpool.gateway.outbox import Kind, Outbox, parse_event_id

LIMITS = Limits(backlog_bytes=1000, backlog_messages=5, history_bytes=200)


def _data(chunk: bytes) -> list[bytes]:
    return [line[6:] for line in chunk.split(b"\n") if line.startswith(b"data: ")]


async def test_messages_come_out_in_order_and_once() -> None:
    box = Outbox(LIMITS)
    box.put(Kind.OTHER, b"1")
    box.put(Kind.LOG, b"2")
    box.put(Kind.ANSWER, b"3")
    assert _data(box.take()) == [b"1", b"2", b"3"]
    assert box.take() == b""


async def test_later_message_takes_the_place_of_an_unread_one_of_its_subject() -> None:
    box = Outbox(LIMITS)
    box.put(Kind.LATEST, b"a1", "a")
    box.put(Kind.LATEST, b"b1", "b")
    box.put(Kind.LATEST, b"a2", "a")
    assert _data(box.take()) == [b"a2", b"b1"]
    box.put(Kind.LATEST, b"a3", "a")
    assert _data(box.take()) == [b"a3"]


async def test_logs_over_the_limit_are_dropped_counted_and_told() -> None:
    box = Outbox(LIMITS)
    for number in range(8):
        box.put(Kind.LOG, b"%d" % number)
    assert box.dropped == 3
    assert not box.overflowed
    box.take()
    box.put(Kind.LOG, b"next")
    told, after = _data(box.take())
    assert b"3 messages were left out" in told
    assert after == b"next"


async def test_answer_makes_room_for_itself_among_unread_logs() -> None:
    box = Outbox(LIMITS)
    for number in range(5):
        box.put(Kind.LOG, b"%d" % number)
    box.put(Kind.ANSWER, b"answer")
    assert not box.overflowed
    assert _data(box.take())[-1] == b"answer"


async def test_answer_of_any_size_fits_a_client_that_reads() -> None:
    box = Outbox(LIMITS)
    box.put(Kind.LOG, b"small")
    box.put(Kind.ANSWER, b"x" * 10_000)
    assert not box.overflowed
    assert len(box.take()) > 10_000


async def test_too_much_of_what_may_not_be_dropped_closes_the_stream() -> None:
    box = Outbox(LIMITS)
    for number in range(6):
        box.put(Kind.QUESTION, b"%d" % number)
    assert box.overflowed
    before = box.bytes_kept
    box.put(Kind.OTHER, b"more")
    assert box.bytes_kept == before


async def test_rewind_repeats_what_came_after() -> None:
    box = Outbox(LIMITS, "p1")
    for number in range(3):
        box.put(Kind.OTHER, b"%d" % number)
    box.take()
    box.put(Kind.OTHER, b"3")
    box.rewind(1)
    assert _data(box.take()) == [b"1", b"2", b"3"]
    box.rewind(4)
    assert box.take() == b""


async def test_history_forgets_the_oldest_but_never_the_answer() -> None:
    box = Outbox(LIMITS, "p1")
    box.put(Kind.OTHER, b"x" * 500)
    box.take()
    box.put(Kind.ANSWER, b"y" * 5000)
    box.take()
    box.rewind(0)
    assert _data(box.take()) == [b"y" * 5000]


async def test_wait_ends_with_a_message_an_end_or_in_time() -> None:
    box = Outbox(LIMITS)
    assert await box.wait(0) is False
    waiting = asyncio.create_task(box.wait(10))
    await asyncio.sleep(0)
    box.put(Kind.OTHER, b"1")
    assert await waiting is True
    box.take()
    waiting = asyncio.create_task(box.wait(10))
    await asyncio.sleep(0)
    box.end()
    assert await waiting is True
    box.put(Kind.OTHER, b"late")
    assert box.take() == b""


async def test_events_carry_ids_that_can_be_read_back() -> None:
    box = Outbox(LIMITS, "p7")
    box.prime()
    box.put(Kind.OTHER, b"1")
    lines = box.take().split(b"\n")
    assert b"retry: 1000" in lines
    ids = [line[4:] for line in lines if line.startswith(b"id: ")]
    assert [parse_event_id(id_) for id_ in ids] == [("p7", 1), ("p7", 2)]


@pytest.mark.parametrize("value", [b"", b"-", b"p1", b"p1-", b"-1", b"p 1-1", b"p1-x", b"p1-" + b"9" * 30, b"\xff-1"])
def test_foreign_event_ids_are_told_apart(value: bytes) -> None:
    assert parse_event_id(value) is None

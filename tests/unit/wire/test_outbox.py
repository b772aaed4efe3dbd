"""Writes, joined where many come at once."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from mcpool.wire.outbox import Outbox

if TYPE_CHECKING:
    from unit.wire.conftest import Scene


@pytest.fixture
async def outbox(scene: Scene) -> Outbox:
    outbox = Outbox(scene.loop, lambda offset: None)
    outbox.link = scene.link
    return outbox


async def test_the_first_line_goes_at_once_and_the_rest_of_the_turn_together(scene: Scene, outbox: Outbox) -> None:
    for line in (b"a\n", b"b\n", b"c\n"):
        outbox.send(line)
    assert scene.link.written == [b"a\n"]

    await asyncio.sleep(0)

    assert scene.link.written == [b"a\n", b"b\nc\n"]


async def test_order_is_kept_when_the_server_speaks_in_between(scene: Scene, outbox: Outbox) -> None:
    outbox.send(b"a\n")
    outbox.send(b"b\n")
    outbox.free = True
    outbox.send(b"c\n")
    await asyncio.sleep(0)

    assert b"".join(scene.link.written) == b"a\nb\nc\n"


async def test_each_line_knows_where_it_ends(outbox: Outbox) -> None:
    assert [outbox.send(b"abc\n"), outbox.send(b"de\n"), outbox.offset] == [4, 7, 7]


async def test_what_is_dropped_is_never_written(scene: Scene, outbox: Outbox) -> None:
    outbox.send(b"a\n")
    outbox.send(b"b\n")

    outbox.drop()
    await asyncio.sleep(0)

    assert scene.link.written == [b"a\n"]
    assert outbox.offset == 2


async def test_lines_that_waited_are_not_written_to_a_dead_link(scene: Scene) -> None:
    refused: list[int] = []
    outbox = Outbox(scene.loop, refused.append)
    outbox.link = scene.link
    for line in (b"a\n", b"b\n", b"c\n"):
        outbox.send(line)

    scene.link.alive = False
    await asyncio.sleep(0)

    assert scene.link.written == [b"a\n"]
    assert (refused, outbox.offset) == ([2], 2)

"""How a connection ends, and what those who wait are told."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from mcpool.wire.lost import ConnectionLost

if TYPE_CHECKING:
    from unit.wire.conftest import Scene


async def lost(future: asyncio.Future[bytes]) -> ConnectionLost:
    with pytest.raises(ConnectionLost) as caught:
        await future
    return caught.value


async def test_a_call_that_was_sent_may_have_run(scene: Scene) -> None:
    call = scene.engine.call("m", None)

    scene.engine.on_exit(3)

    error = await lost(call.future)
    assert error.sent
    assert (error.reason, error.status) == ("exited with status 3", 3)


@pytest.mark.parametrize(
    ("status", "reason"), [(-9, "was ended by SIGKILL"), (-200, "was ended by signal 200"), (None, "is gone")]
)
async def test_the_reason_says_how_it_ended(scene: Scene, status: int | None, reason: str) -> None:
    scene.engine.on_exit(status)

    assert [error.reason for error in scene.lost] == [reason]


async def test_an_answer_that_came_before_the_exit_wins(scene: Scene) -> None:
    call = scene.engine.call("m", None)

    scene.says({"jsonrpc": "2.0", "id": 1, "result": {}})
    scene.engine.on_exit(0)

    assert await call.future == b"{}"


async def test_a_line_that_left_in_part_is_unsent(scene: Scene) -> None:
    first = scene.engine.call("m", None)
    scene.says(b"")
    second = scene.engine.call("m", None)
    scene.link.leaves = first.end + 5

    scene.engine.on_exit(1)

    assert (await lost(first.future)).sent
    assert not (await lost(second.future)).sent


async def test_a_line_that_lacks_only_its_line_end_counts_as_sent(scene: Scene) -> None:
    call = scene.engine.call("m", None)
    scene.link.leaves = call.end - 1

    scene.engine.on_exit(1)

    assert (await lost(call.future)).sent


async def test_a_line_that_still_waited_to_be_joined_is_unsent(scene: Scene) -> None:
    first = scene.engine.call("m", None)
    second = scene.engine.call("m", None)

    scene.engine.on_exit(1)
    await asyncio.sleep(0)

    assert (await lost(first.future)).sent
    assert not (await lost(second.future)).sent
    assert len(scene.link.written) == 1


async def test_a_call_to_a_dead_process_is_unsent_before_its_exit_is_told(scene: Scene) -> None:
    scene.link.alive = False

    call = scene.engine.call("m", None)

    assert not (await lost(call.future)).sent
    assert scene.link.written == []


async def test_calls_that_waited_to_be_joined_fail_unsent_when_the_link_is_dead_by_then(scene: Scene) -> None:
    first, *joined = [scene.engine.call("m", None) for _ in range(3)]

    scene.link.alive = False
    await asyncio.sleep(0)

    assert [(await lost(call.future)).sent for call in joined] == [False, False]
    assert scene.engine.calls == (first,)


async def test_a_call_after_the_end_is_unsent(scene: Scene) -> None:
    scene.engine.on_exit(0)

    error = await lost(scene.engine.call("m", None).future)

    assert (error.sent, error.reason) == (False, "exited with status 0")


async def test_end_of_stream_alone_ends_it(scene: Scene) -> None:
    call = scene.engine.call("m", None)

    scene.engine.on_eof()

    assert (await lost(call.future)).reason == "closed its output"
    assert len(scene.lost) == 1


async def test_an_exit_in_the_same_turn_as_the_end_of_stream_says_why(scene: Scene) -> None:
    call = scene.engine.call("m", None)

    scene.engine.on_eof()
    scene.engine.on_exit(1)
    await asyncio.sleep(0)

    assert (await lost(call.future)).status == 1
    assert [error.status for error in scene.lost] == [1]


async def test_an_exit_that_follows_the_end_of_stream_says_why(scene: Scene) -> None:
    call = scene.engine.call("m", None)

    scene.engine.on_eof()
    await asyncio.sleep(0)
    assert not call.future.done()
    scene.engine.on_exit(7)

    assert (await lost(call.future)).status == 7
    assert [error.status for error in scene.lost] == [7]


async def test_an_endpoint_without_a_process_is_lost_at_the_end_of_its_stream(scene: Scene) -> None:
    scene.link.pid = None
    call = scene.engine.call("m", None)

    scene.engine.on_eof()
    await asyncio.sleep(0)

    assert isinstance(call.future.exception(), ConnectionLost)


async def test_nothing_is_sent_after_the_end_of_stream(scene: Scene) -> None:
    scene.engine.on_eof()

    call = scene.engine.call("m", None)
    scene.engine.notify("notifications/a")
    await asyncio.sleep(0)

    assert not (await lost(call.future)).sent
    assert scene.link.written == []


async def test_the_peer_hears_of_the_end_once_and_after_the_calls_are_settled(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    call = scene.engine.call("m", None)
    settled: list[bool] = []

    def on_lost(_: ConnectionLost) -> None:
        settled.append(call.future.done())

    monkeypatch.setattr(scene, "on_lost", on_lost)

    scene.engine.on_exit(0)
    scene.engine.on_eof()
    scene.engine.on_exit(0)
    await asyncio.sleep(0)

    assert settled == [True]
    assert isinstance(call.future.exception(), ConnectionLost)


async def test_bytes_after_the_exit_are_ignored(scene: Scene) -> None:
    scene.engine.on_exit(0)

    scene.says({"jsonrpc": "2.0", "method": "notifications/a"})

    assert scene.notifications == []


async def test_a_caller_who_left_is_not_told(scene: Scene) -> None:
    call = scene.engine.call("m", None)
    scene.engine.cancel(call, "enough")

    scene.engine.on_exit(0)

    assert call.future.cancelled()
    assert scene.engine.calls == ()

"""What the engine makes of the things that a link over HTTP knows besides."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from mcpool.wire.http import HttpSink
from mcpool.wire.lost import ConnectionLost

if TYPE_CHECKING:
    from unit.wire.conftest import Scene

ASK = b'{"jsonrpc":"2.0","id":"q","method":"elicitation/create","params":{}}\n'


async def test_engine_takes_what_http_knows(scene: Scene) -> None:
    assert isinstance(scene.engine, HttpSink)


async def test_request_on_the_stream_of_a_call_belongs_to_that_call(scene: Scene) -> None:
    scene.engine.call("tools/call", None)
    second = scene.engine.call("tools/call", None)

    scene.engine.on_message(ASK, second.id)

    assert [request.call for request in scene.requests] == [second]


async def test_request_on_no_calls_stream_belongs_to_none(scene: Scene) -> None:
    scene.engine.call("tools/call", None)

    scene.engine.on_message(ASK, None)

    assert [request.call for request in scene.requests] == [None]


@pytest.mark.parametrize("sent", [True, False])
async def test_call_that_http_lost_fails_alone(scene: Scene, sent: bool) -> None:
    lost, other = scene.engine.call("tools/call", None), scene.engine.call("tools/call", None)

    scene.engine.on_call_lost(lost.id, sent, "answered with status 502")

    with pytest.raises(ConnectionLost, match="status 502") as caught:
        await lost.future
    assert caught.value.sent is sent
    assert scene.engine.calls == (other,)


async def test_late_answer_to_a_call_that_http_lost_is_dropped(scene: Scene) -> None:
    call = scene.engine.call("tools/call", None)
    scene.engine.on_call_lost(call.id, True, "was cut")
    call.future.exception()

    scene.engine.on_message(b'{"jsonrpc":"2.0","id":1,"result":{}}\n', 1)

    assert scene.engine.statistics().late == 1

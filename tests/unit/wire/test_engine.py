"""Requests, answers and notifications, as long as both sides behave."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest

from mcpool.errors import MessageTooLarge, RpcError, ServerUnavailable
from mcpool.wire.lost import ConnectionLost

if TYPE_CHECKING:
    from collections.abc import Callable

    from unit.wire.conftest import Hearer, Scene


async def test_a_call_is_one_line_and_ends_with_the_raw_result(scene: Scene) -> None:
    call = scene.engine.call("tools/call", b'{"name":"echo"}')

    assert scene.link.written == [b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo"}}\n']

    scene.says(b'{"jsonrpc":"2.0","id":1,"result":{"content": [ ]}}')

    assert await call.future == b'{"content": [ ]}'
    assert call.answered
    assert scene.engine.calls == ()


async def test_a_call_without_params_sends_none(scene: Scene) -> None:
    scene.engine.call("ping", None)

    assert scene.heard == [{"jsonrpc": "2.0", "id": 1, "method": "ping"}]


async def test_line_breaks_in_params_do_not_reach_the_wire(scene: Scene) -> None:
    scene.engine.call("m", b'{\r\n"a":\n1}')

    assert scene.link.written == [b'{"jsonrpc":"2.0","id":1,"method":"m","params":{  "a": 1}}\n']


async def test_answers_in_any_order_reach_their_own_call(scene: Scene) -> None:
    calls = [scene.engine.call("m", None) for _ in range(3)]

    scene.says({"id": 3, "result": {"n": 3}}, {"id": 1, "result": {"n": 1}}, {"id": 2, "result": {"n": 2}})

    assert [json.loads(await call.future)["n"] for call in calls] == [1, 2, 3]


async def test_an_answer_in_many_chunks_arrives(scene: Scene) -> None:
    call = scene.engine.call("m", None)

    for byte in b'{"jsonrpc":"2.0","id":1,"result":{}}\n':
        scene.engine.on_bytes(bytes([byte]))

    assert await call.future == b"{}"


@pytest.mark.parametrize("id", [b'"1"', b"1.0"])
async def test_an_id_in_another_spelling_finds_its_call(scene: Scene, id: bytes) -> None:
    call = scene.engine.call("m", None)

    scene.says(b'{"jsonrpc":"2.0","id":' + id + b',"result":{}}')

    assert await call.future == b"{}"


async def test_an_error_becomes_an_rpc_error(scene: Scene) -> None:
    call = scene.engine.call("m", None)

    scene.says(b'{"jsonrpc":"2.0","id":1,"error":{"code":-32602,"message":"no such tool","data":{"a": 1}}}')

    with pytest.raises(RpcError) as caught:
        await call.future
    error = caught.value
    assert (error.server, error.code, error.reason, error.data) == ("echo", -32602, "no such tool", b'{"a": 1}')


async def test_notifications_and_requests_reach_the_peer_in_wire_order(scene: Scene) -> None:
    scene.says(
        {"jsonrpc": "2.0", "method": "notifications/a", "params": {"x": 1}},
        {"jsonrpc": "2.0", "id": "q", "method": "roots/list"},
        {"jsonrpc": "2.0", "method": "notifications/b"},
    )

    assert [(note.method, note.params) for note in scene.notifications] == [
        ("notifications/a", b'{"x": 1}'),
        ("notifications/b", None),
    ]
    assert [(ask.id, ask.method) for ask in scene.requests] == [(b'"q"', "roots/list")]


async def test_a_request_is_answered_under_its_own_id(scene: Scene) -> None:
    scene.engine.respond(b'"q"', b'{"roots":\n[]}')
    scene.engine.respond_error(b"7", -32601, 'no "such" method', b'{"a":1}')
    await asyncio.sleep(0)

    assert scene.heard == [
        {"jsonrpc": "2.0", "id": "q", "result": {"roots": []}},
        {"jsonrpc": "2.0", "id": 7, "error": {"code": -32601, "message": 'no "such" method', "data": {"a": 1}}},
    ]


async def test_an_answer_that_is_no_json_value_is_not_sent(scene: Scene) -> None:
    with pytest.raises(ValueError, match="JSON"):
        scene.engine.respond(b"7", b'{}}\n{"jsonrpc":"2.0","method":"injected"')

    assert scene.link.written == []


async def test_ping_is_answered_without_the_peer(scene: Scene) -> None:
    scene.says({"jsonrpc": "2.0", "id": 5, "method": "ping"})

    assert scene.heard == [{"jsonrpc": "2.0", "id": 5, "result": {}}]
    assert scene.requests == []


async def test_calls_of_one_turn_share_one_write_after_the_first(scene: Scene) -> None:
    for _ in range(64):
        scene.engine.call("m", None)
    await asyncio.sleep(0)

    assert len(scene.link.written) == 2
    assert [message["id"] for message in scene.heard] == list(range(1, 65))


async def test_a_caller_in_lock_step_never_waits_for_others(scene: Scene) -> None:
    for id in range(1, 4):
        scene.engine.call("m", None)
        assert len(scene.link.written) == id
        scene.says({"jsonrpc": "2.0", "id": id, "result": {}})


async def test_progress_goes_straight_to_the_sink_of_its_call(scene: Scene, hearer: Hearer) -> None:
    scene.engine.call("m", None)
    scene.engine.call("m", None, sink=hearer)

    scene.says(b'{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":2,"progress":1}}')

    assert hearer.heard == [("notifications/progress", b'{"progressToken":2,"progress":1}')]
    assert scene.notifications == []


async def test_progress_of_a_call_without_sink_is_tagged_with_it(scene: Scene) -> None:
    call = scene.engine.call("m", None, owner="me")

    scene.says(b'{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":"1","progress":1}}')

    assert [note.call for note in scene.notifications] == [call]
    assert call.owner == "me"


async def test_progress_of_a_cancelled_call_is_dropped(scene: Scene, hearer: Hearer) -> None:
    call = scene.engine.call("m", None, sink=hearer)
    scene.engine.cancel(call, "enough")

    scene.says(b'{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":1,"progress":1}}')

    assert hearer.heard == []
    assert scene.notifications == []


async def test_a_request_of_a_task_is_tagged_with_the_call_that_waits_for_it(scene: Scene) -> None:
    scene.engine.call("tasks/result", b'{"taskId":"a"}', task="a")
    waiting = scene.engine.call("tasks/result", b'{"taskId":"b"}', task="b")

    scene.says(
        {
            "jsonrpc": "2.0",
            "id": 1,
            "method": "elicitation/create",
            "params": {"_meta": {"io.modelcontextprotocol/related-task": {"taskId": "b"}}},
        }
    )

    assert scene.requests[0].call is waiting


@pytest.mark.parametrize(
    "params",
    [
        b'{"progressToken":99}',
        b'{"progressToken":{}}',
        b"[]",
        b'{"_meta":{"io.modelcontextprotocol/related-task":7}}',
        b'{"_meta":{"io.modelcontextprotocol/related-task":{"taskId":"?"}}}',
    ],
)
async def test_what_names_no_call_is_tagged_with_none(scene: Scene, params: bytes) -> None:
    scene.engine.call("m", None)

    scene.says(b'{"jsonrpc":"2.0","method":"notifications/progress","params":' + params + b"}")

    assert [note.call for note in scene.notifications] == [None]


async def test_cancelling_tells_the_server_and_counts_the_late_answer(scene: Scene) -> None:
    call = scene.engine.call("m", None)

    scene.engine.cancel(call, 'the "user" left')
    await asyncio.sleep(0)

    assert scene.heard[1]["method"] == "notifications/cancelled"
    assert scene.heard[1]["params"] == {"requestId": 1, "reason": 'the "user" left'}
    assert scene.engine.calls == (call,)
    assert call.future.cancelled()

    scene.says({"jsonrpc": "2.0", "id": 1, "result": {}})

    assert call.answered
    assert scene.engine.calls == ()
    assert scene.engine.statistics().late == 1


async def test_cancelling_twice_or_after_the_answer_says_nothing(scene: Scene) -> None:
    answered = scene.engine.call("m", None)
    scene.says({"jsonrpc": "2.0", "id": 1, "result": {}})
    cancelled = scene.engine.call("m", None)

    scene.engine.cancel(answered, "late")
    scene.engine.cancel(cancelled, "once")
    scene.engine.cancel(cancelled, "twice")
    await asyncio.sleep(0)

    assert [message["params"]["reason"] for message in scene.heard if "id" not in message] == ["once"]


async def test_a_forgotten_call_is_not_cancelled_on_the_wire(scene: Scene) -> None:
    call = scene.engine.call("initialize", None)

    scene.engine.forget(call)
    await asyncio.sleep(0)

    assert len(scene.heard) == 1
    assert call.future.cancelled()


async def test_a_forgotten_call_does_not_count_and_its_answer_is_late(scene: Scene) -> None:
    scene.engine.forget(scene.engine.call("server/discover", None))

    assert scene.engine.calls == ()
    scene.says({"jsonrpc": "2.0", "id": 1, "error": {"code": -32601, "message": "what?"}})
    statistics = scene.engine.statistics()
    assert (statistics.late, statistics.unknown, statistics.garbage) == (1, 0, 0)


async def test_a_cancelled_call_stays_unanswered_for_30_seconds(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    call = scene.engine.call("m", None)
    scene.engine.cancel(call, "enough")
    now = scene.loop.time()

    monkeypatch.setattr(scene.loop, "time", lambda: now + 29)
    assert scene.engine.calls == (call,)

    monkeypatch.setattr(scene.loop, "time", lambda: now + 31)
    assert scene.engine.calls == ()


async def test_an_answer_to_a_caller_who_left_is_taken_quietly(scene: Scene) -> None:
    call = scene.engine.call("m", None)
    call.future.cancel()

    scene.says({"jsonrpc": "2.0", "id": 1, "result": {}})

    assert call.answered


async def test_a_failing_peer_does_not_cost_the_next_message(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: object) -> None:
        raise LookupError("ours")

    reported: list[dict[str, Any]] = []
    scene.loop.set_exception_handler(lambda _, context: reported.append(context))
    monkeypatch.setattr(scene, "on_notification", fail)
    call = scene.engine.call("m", None)

    scene.says({"jsonrpc": "2.0", "method": "notifications/a"}, {"jsonrpc": "2.0", "id": 1, "result": {}})

    assert await call.future == b"{}"
    assert [str(context["exception"]) for context in reported] == ["ours"]


async def test_a_request_over_the_limit_is_not_sent(new_scene: Callable[..., Scene]) -> None:
    scene = new_scene(limit=100)
    call = scene.engine.call("m", b'"' + b"x" * 100 + b'"')

    with pytest.raises(MessageTooLarge, match="nothing was sent"):
        await call.future
    assert scene.link.written == []


async def test_a_server_that_reads_nothing_gets_nothing_more(new_scene: Callable[..., Scene]) -> None:
    scene = new_scene(limit=1000)
    scene.link.buffered = 1001

    call = scene.engine.call("m", None)
    scene.says({"jsonrpc": "2.0", "id": 5, "method": "ping"})

    with pytest.raises(ServerUnavailable, match="does not read"):
        await call.future
    assert scene.link.written == []
    assert scene.engine.statistics().dropped == 1


async def test_a_call_before_the_link_is_there_is_unsent(new_scene: Callable[..., Scene]) -> None:
    scene = new_scene(attached=False)

    call = scene.engine.call("m", None)

    with pytest.raises(ConnectionLost) as caught:
        await call.future
    assert not caught.value.sent


async def test_an_answer_given_before_the_link_is_there_is_sent_with_it(new_scene: Callable[..., Scene]) -> None:
    scene = new_scene(attached=False)
    scene.says({"jsonrpc": "2.0", "id": 5, "method": "ping"})
    await asyncio.sleep(0)

    scene.engine.attach(scene.link)

    assert scene.heard == [{"jsonrpc": "2.0", "id": 5, "result": {}}]


async def test_statistics_count_what_went_through(scene: Scene) -> None:
    scene.engine.call("m", None)
    scene.engine.call("m", None)
    scene.says({"jsonrpc": "2.0", "id": 1, "result": {}}, {"jsonrpc": "2.0", "method": "notifications/a"})

    statistics = scene.engine.statistics()

    assert (statistics.calls, statistics.unanswered, statistics.answers, statistics.inbound) == (2, 1, 1, 1)
    assert repr(scene.engine) == "<Engine 'echo' [open, 1 unanswered]>"

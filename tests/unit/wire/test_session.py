"""Calls, lists and subscriptions of a session that is open."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest
from msgspec import Raw

from mcpool.errors import BadAnswer, CallTimeout, RpcError
from mcpool.wire.lost import ConnectionLost
from mcpool.wire.negotiation import Agreement
from mcpool.wire.session import Session
from mcpool.wire.stamp import Stamp

if TYPE_CHECKING:
    from unit.wire.conftest import Hearer, Reply, Scene

STAMP = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientInfo": {"name": "us"},
    "io.modelcontextprotocol/clientCapabilities": {},
}


@pytest.fixture
async def old(scene: Scene) -> Session:
    return Session(scene.engine, Agreement("handshake", "2025-11-25", b"{}"), Stamp(None, b'{"name":"us"}', b"{}"))


@pytest.fixture
async def modern(scene: Scene) -> Session:
    stamp = Stamp("2026-07-28", b'{"name":"us"}', b"{}")
    return Session(scene.engine, Agreement("modern", "2026-07-28", b"{}"), stamp)


def results(*pages: Any) -> Reply:
    left = list(pages)
    return lambda request: [json.dumps({"jsonrpc": "2.0", "id": request["id"], "result": left.pop(0)}).encode()]


def test_a_session_shows_what_it_is(scene: Scene) -> None:
    session = Session(scene.engine, Agreement("handshake", "2025-11-25", b"{}"), Stamp(None, b"{}", b"{}"))

    assert repr(session) == "<Session 'echo' [handshake, 2025-11-25]>"


async def test_a_handshake_call_sends_its_fields_and_nothing_else(scene: Scene, old: Session) -> None:
    old.call("tools/call", {"name": b'"echo"', "arguments": Raw(b'{"a":\n1}')}, owner="me")
    scene.says(b"")
    old.call("tools/list")

    assert scene.heard == [
        {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "echo", "arguments": {"a": 1}}},
        {"jsonrpc": "2.0", "id": 2, "method": "tools/list"},
    ]
    assert [call.owner for call in scene.engine.calls] == ["me", None]


async def test_a_modern_call_carries_the_stamp(scene: Scene, modern: Session) -> None:
    modern.call("tools/list")

    assert scene.heard[0]["params"] == {"_meta": STAMP}


async def test_progress_is_asked_for_under_the_call_s_id(scene: Scene, old: Session, hearer: Hearer) -> None:
    old.call("ping")
    scene.says(b"")
    call = old.call("tools/call", {"name": b'"slow"'}, progress=True, sink=hearer, meta={"progressToken": b'"mine"'})

    assert scene.heard[1]["params"]["_meta"] == {"progressToken": call.id}

    scene.says(b'{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":2,"progress":1}}')
    assert hearer.heard == [("notifications/progress", b'{"progressToken":2,"progress":1}')]


async def test_meta_among_the_fields_is_the_caller_s_meta(scene: Scene, modern: Session) -> None:
    modern.call("m", {"_meta": Raw(b'{"a":1,"b":1,"progressToken":9}'), "x": b"1"}, meta={"b": b"2"})

    assert scene.heard[0]["params"] == {"x": 1, "_meta": STAMP | {"a": 1, "b": 2}}


async def test_capabilities_and_log_level_hold_for_one_modern_call(scene: Scene, modern: Session) -> None:
    modern.call("m", capabilities=b'{"sampling":{}}', log_level="info")
    scene.says(b"")
    modern.call("m")

    first, second = (message["params"]["_meta"] for message in scene.heard)
    assert first["io.modelcontextprotocol/clientCapabilities"] == {"sampling": {}}
    assert first["io.modelcontextprotocol/logLevel"] == "info"
    assert second == STAMP


async def test_a_field_that_is_no_json_is_refused_before_anything_is_sent(scene: Scene, old: Session) -> None:
    with pytest.raises(ValueError, match="JSON"):
        old.call("tools/call", {"name": b'"echo"', "arguments": b'{}}\n{"jsonrpc":"2.0"'})

    assert scene.link.written == []


async def test_a_call_that_waits_for_a_task_says_so(scene: Scene, old: Session) -> None:
    calls = [old.call("tasks/result", {"taskId": raw}) for raw in (b'"t1"', b"7")]

    assert [call.task for call in calls] == ["t1", None]


async def test_a_request_given_up_is_cancelled(scene: Scene, old: Session) -> None:
    with pytest.raises(CallTimeout, match="no answer to `ping` within 0 s"):
        await old.request("ping", timeout=0)
    waiting = asyncio.ensure_future(old.request("ping"))
    await scene.hears(3)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    await asyncio.sleep(0)

    cancelled = [m["params"]["requestId"] for m in scene.heard if m["method"] == "notifications/cancelled"]
    assert cancelled == [1, 2]


async def test_a_server_that_refuses_the_check_is_alive(scene: Scene, old: Session, modern: Session) -> None:
    def refuse(request: Any) -> list[bytes]:
        body = {"code": -32601, "message": "no"}
        return [json.dumps({"jsonrpc": "2.0", "id": request["id"], "error": body}).encode()]

    scene.plays(ping=refuse, server_discover=refuse)

    await old.check(timeout=60)
    await modern.check(timeout=60)

    assert [message["method"] for message in scene.heard] == ["ping", "server/discover"]


# ---------------------------------------------------------------------- lists


async def test_all_pages_of_a_list_are_read(scene: Scene, modern: Session) -> None:
    scene.plays(
        tools_list=results(
            {"tools": [{"name": "a"}, {"name": "b"}], "nextCursor": "é1"}, {"nextCursor": "2"}, {"tools": [{"x": 1}]}
        )
    )

    items = await modern.list_all("tools/list", "tools", timeout=60)

    assert items == (b'{"name": "a"}', b'{"name": "b"}', b'{"x": 1}')
    assert [message["params"].get("cursor") for message in scene.heard] == [None, "é1", "2"]


@pytest.mark.parametrize(
    ("pages", "problem"),
    [
        pytest.param([{"nextCursor": "a"}, {"nextCursor": "b"}, {"nextCursor": "a"}], "gave before", id="repeats"),
        pytest.param([{"nextCursor": str(n)} for n in range(101)], "more than 100 pages", id="pages"),
        pytest.param([{"tools": [1] * 10_001}], "more than 10,000 items", id="items"),
        pytest.param([{"nextCursor": "x" * 70_000}], "more than 65,536 bytes", id="cursor"),
        pytest.param([{"nextCursor": 7}], "no known form", id="cursor type"),
        pytest.param([{"tools": "x"}], "no known form", id="items type"),
        pytest.param(["x"], "no known form", id="page type"),
    ],
)
async def test_a_list_beyond_its_bounds_is_refused(scene: Scene, old: Session, pages: list[Any], problem: str) -> None:
    scene.plays(tools_list=results(*pages))

    with pytest.raises(BadAnswer, match=problem):
        await old.list_all("tools/list", "tools", timeout=60)


async def test_a_list_that_does_not_come_in_time_is_cancelled(scene: Scene, old: Session) -> None:
    with pytest.raises(CallTimeout, match="`tools/list` was not complete within 0 s"):
        await old.list_all("tools/list", "tools", timeout=0)

    assert all(call.cancelled for call in scene.engine.calls)


# ---------------------------------------------------------------------- subscriptions


def event(id: int | str, method: str, **params: Any) -> dict[str, Any]:
    meta = {"_meta": {"io.modelcontextprotocol/subscriptionId": id}}
    return {"jsonrpc": "2.0", "method": method, "params": params | meta}


def acknowledge(request: Any) -> list[bytes]:
    wanted = request["params"]["notifications"]
    ack = event(request["id"], "notifications/subscriptions/acknowledged", notifications=wanted)
    return [json.dumps(ack).encode()]


async def test_listening_begins_with_the_acknowledgement_and_delivers_in_order(scene: Scene, modern: Session) -> None:
    scene.plays(subscriptions_listen=acknowledge)
    heard: list[str] = []

    subscription = await modern.listen({"toolsListChanged": True}, lambda method, params: heard.append(method))
    scene.says(
        event(1, "notifications/tools/list_changed"),
        event("1", "notifications/resources/updated", uri="a:b"),
        event(99, "notifications/prompts/list_changed"),
        {"jsonrpc": "2.0", "method": "notifications/tools/list_changed"},
    )

    assert subscription.honoured == {"toolsListChanged": True}
    assert heard == ["notifications/tools/list_changed", "notifications/resources/updated"]
    assert [note.method for note in scene.notifications] == [
        "notifications/prompts/list_changed",
        "notifications/tools/list_changed",
    ]
    assert scene.heard[0]["params"] == {"notifications": {"toolsListChanged": True}, "_meta": STAMP}


async def test_a_closed_subscription_is_cancelled_and_hears_no_more(scene: Scene, modern: Session) -> None:
    scene.plays(subscriptions_listen=acknowledge)
    heard: list[str] = []
    subscription = await modern.listen({}, lambda method, params: heard.append(method))

    subscription.close()
    subscription.close()
    await asyncio.sleep(0)
    scene.says(event(1, "notifications/tools/list_changed"))

    assert [message["method"] for message in scene.heard] == ["subscriptions/listen", "notifications/cancelled"]
    assert heard == []
    assert subscription.ended.cancelled()


async def test_a_subscription_tells_how_it_ended(scene: Scene, modern: Session) -> None:
    scene.plays(subscriptions_listen=acknowledge)
    closed = await modern.listen({}, lambda method, params: None)
    lost = await modern.listen({}, lambda method, params: None)

    scene.says({"jsonrpc": "2.0", "id": 1, "result": {}})
    scene.engine.on_exit(1)

    assert await closed.ended == b"{}"
    assert isinstance(lost.ended.exception(), ConnectionLost)


async def test_a_refused_subscription_raises(scene: Scene, modern: Session) -> None:
    body = {"code": -32601, "message": "no"}
    scene.plays(
        subscriptions_listen=lambda request: [
            json.dumps({"jsonrpc": "2.0", "id": request["id"], "error": body}).encode()
        ]
    )

    with pytest.raises(RpcError, match="-32601"):
        await modern.listen({}, lambda method, params: None)


async def test_a_subscription_answered_instead_of_acknowledged_raises(scene: Scene, modern: Session) -> None:
    scene.plays(subscriptions_listen=results({}))

    with pytest.raises(BadAnswer, match="ended before it began"):
        await modern.listen({}, lambda method, params: None)


async def test_a_subscription_not_acknowledged_in_time_is_cancelled(scene: Scene, modern: Session) -> None:
    with pytest.raises(CallTimeout, match="not acknowledged within 0 s"):
        await modern.listen({}, lambda method, params: None, timeout=0)
    await asyncio.sleep(0)

    assert [message["method"] for message in scene.heard] == ["subscriptions/listen", "notifications/cancelled"]

"""Clients on a byte stream: the same core, by lines, in both eras."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from gatewaykit.fake_host import FakeCall, FakeHost, FakeServer, encode
from gatewaykit.serving import gateway_for
from mcpool.backend.holder import Question, Root
from mcpool.gateway.limits import Limits
from mcpool.gateway.stream_client import StreamClient

META = "io.modelcontextprotocol/"


class Line:
    """Both ends of a stream, and what the client has received."""

    def __init__(self, host: FakeHost, route: str | None, limits: Limits | None = None) -> None:
        self.received: asyncio.Queue[Any] = asyncio.Queue()
        self.elsewhere: asyncio.Queue[Any] = asyncio.Queue()
        self.backlog = 0
        self.gateway = gateway_for(host, limits)
        self.client = StreamClient(
            self.gateway,
            route=route,
            cwd="/srv/repo",
            principal="local",
            write=self._write,
            backlog=lambda: self.backlog,
        )

    def _write(self, data: bytes) -> None:
        assert data.endswith(b"\n")
        assert data.count(b"\n") == 1
        self.received.put_nowait(json.loads(data))

    def received_elsewhere(self, data: bytes) -> None:
        self.elsewhere.put_nowait(json.loads(data))

    def say(self, method: str, params: object = None, id: object = None) -> None:
        message: dict[str, object] = {"jsonrpc": "2.0", "method": method}
        if id is not None:
            message["id"] = id
        if params is not None:
            message["params"] = params
        self.client.on_line(json.dumps(message).encode())

    async def hear(self) -> Any:
        async with asyncio.timeout(60):
            return await self.received.get()

    async def ask(self, method: str, params: object = None, id: object = 1) -> Any:
        self.say(method, params, id)
        return await self.hear()

    async def initialize(self, revision: str = "2025-06-18", capabilities: object = None) -> Any:
        params: dict[str, object] = {"protocolVersion": revision, "capabilities": capabilities or {}, "clientInfo": {}}
        answer = await self.ask("initialize", params, "init")
        self.say("notifications/initialized")
        return answer["result"]


@pytest.fixture
def host() -> FakeHost:
    async def held(call: FakeCall) -> bytes:
        await asyncio.Event().wait()
        raise AssertionError

    async def progress(call: FakeCall) -> bytes:
        call.report(1)
        call.log("x")
        return encode({"content": []})

    one = FakeServer("one")
    one.tools |= {"held": held, "progress": progress}
    return FakeHost(one)


@pytest.fixture
async def line(host: FakeHost) -> AsyncIterator[Line]:
    line = Line(host, "one")
    yield line
    await line.client.close()
    assert host.open_threads == []
    assert host.steps_open == 0


def _context(**more: object) -> dict[str, object]:
    meta: dict[str, object] = {META + "protocolVersion": "2026-07-28", META + "clientCapabilities": {}}
    return {**more, "_meta": meta}


async def test_handshake_hands_over_the_folder(line: Line, host: FakeHost) -> None:
    result = await line.initialize()
    assert (result["serverInfo"]["name"], result["protocolVersion"]) == ("one", "2025-06-18")
    assert (host.threads[0].cwd, host.threads[0].principal) == ("/srv/repo", "local")


async def test_calls_are_answered_under_the_clients_ids(line: Line) -> None:
    await line.initialize()
    line.say("tools/call", {"name": "echo", "arguments": {"n": 1}}, 1)
    line.say("tools/call", {"name": "echo", "arguments": {"n": 2}}, "1")
    answers = {repr(answer["id"]): answer for answer in [await line.hear(), await line.hear()]}
    assert answers["1"]["result"]["content"][0]["text"] == '{"n": 1}'
    assert answers["'1'"]["result"]["content"][0]["text"] == '{"n": 2}'


async def test_progress_comes_before_the_answer(line: Line) -> None:
    await line.initialize()
    line.say("tools/call", {"name": "progress", "_meta": {"progressToken": "t"}}, 1)
    first, second, third = [await line.hear() for _ in range(3)]
    assert first["params"] == {"progressToken": "t", "progress": 1}
    assert second["method"] == "notifications/message"
    assert third["id"] == 1


async def test_cancelled_request_gets_no_answer(line: Line, host: FakeHost) -> None:
    await line.initialize()
    line.say("tools/call", {"name": "held"}, 5)
    call = await host.call_number(1)
    line.say("notifications/cancelled", {"requestId": 5})
    assert (await line.ask("ping", id=6))["id"] == 6
    assert call.cancelled


async def test_same_id_twice_in_flight_is_refused(line: Line, host: FakeHost) -> None:
    await line.initialize()
    line.say("tools/call", {"name": "held"}, 5)
    await host.call_number(1)
    assert (await line.ask("ping", id=5))["error"]["code"] == -32600


async def test_cancelled_id_and_progress_token_can_be_used_again_at_once(line: Line, host: FakeHost) -> None:
    await line.initialize()
    meta = {"progressToken": "t"}
    line.say("tools/call", {"name": "held", "_meta": meta}, 7)
    await host.call_number(1)
    line.say("notifications/cancelled", {"requestId": 7})
    line.say("tools/call", {"name": "echo", "arguments": {"n": 1}, "_meta": meta}, 7)
    answer = await line.hear()
    assert (answer["id"], answer["result"]["content"][0]["text"]) == (7, '{"n": 1}')


@pytest.mark.parametrize("rest", ['"method":"ping"}', '"jsonrpc":"2.0","method":"ping","params":{"a":NaN}}'])
async def test_request_that_cannot_be_read_is_refused_under_its_id(line: Line, rest: str) -> None:
    line.client.on_line(b'{"id":7,' + rest.encode())
    answer = await line.hear()
    assert answer["id"] == 7
    assert "error" in answer


async def test_end_of_the_stream_cancels_what_it_waited_for(line: Line, host: FakeHost) -> None:
    await line.initialize()
    line.say("tools/call", {"name": "held"}, 5)
    call = await host.call_number(1)
    await line.client.close()
    assert call.cancelled


async def test_bad_line_is_told_and_the_next_one_counts(line: Line) -> None:
    line.client.on_line(b"{nonsense")
    assert (await line.hear())["error"]["code"] == -32700
    assert (await line.initialize())["serverInfo"]["name"] == "one"


async def test_request_before_anything_else_is_told_to_initialize(line: Line) -> None:
    assert "initialize" in (await line.ask("tools/list"))["error"]["message"]


async def test_second_initialize_is_refused(line: Line) -> None:
    await line.initialize()
    params: dict[str, object] = {"protocolVersion": "2025-06-18", "capabilities": {}}
    assert (await line.ask("initialize", params))["error"]["code"] == -32600


async def test_what_follows_initialize_without_waiting_belongs_to_its_session(line: Line) -> None:
    line.say("initialize", {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {}}, "init")
    line.say("notifications/initialized")
    line.say("tools/call", {"name": "echo", "arguments": {"a": 1}}, 2)
    answers = {answer["id"]: answer for answer in [await line.hear(), await line.hear()]}
    assert answers["init"]["result"]["protocolVersion"] == "2025-06-18"
    assert answers[2]["result"]["content"][0]["text"] == '{"a": 1}'


async def test_what_follows_an_initialize_that_fails_is_answered_too(line: Line, host: FakeHost) -> None:
    up = host.servers["one"].up = asyncio.Event()
    host.servers["one"].broken = "no program"
    line.say("initialize", {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {}}, "init")
    line.say("tools/call", {"name": "echo", "arguments": {}}, 2)
    up.set()
    answers = {answer["id"]: answer for answer in [await line.hear(), await line.hear()]}
    assert answers["init"]["error"]["code"] == -32010
    assert "error" in answers[2]
    host.servers["one"].broken = None
    assert (await line.initialize())["protocolVersion"] == "2025-06-18"


async def test_roots_are_known_before_the_first_request_is_sent(line: Line, host: FakeHost) -> None:
    await line.initialize(capabilities={"roots": {}})
    line.say("tools/call", {"name": "echo"}, 1)
    question = await line.hear()
    assert question["method"] == "roots/list"
    assert host.calls == []
    answer = {"jsonrpc": "2.0", "id": question["id"], "result": {"roots": [{"uri": "file:///a"}]}}
    line.client.on_line(json.dumps(answer).encode())
    assert "result" in await line.hear()
    assert host.calls[0].thread.client.roots == (Root("file:///a"),)


async def test_client_that_does_not_list_its_roots_has_none(host: FakeHost) -> None:
    line = Line(host, "one", Limits(roots_timeout=0.05))
    await line.initialize(capabilities={"roots": {}})
    line.say("tools/call", {"name": "echo"}, 1)
    assert (await line.hear())["method"] == "roots/list"
    assert (await line.hear())["method"] == "notifications/cancelled"
    assert "result" in await line.hear()
    assert host.calls[0].thread.client.roots is None
    await line.client.close()


async def test_question_is_answered_on_the_stream(line: Line, host: FakeHost) -> None:
    await line.initialize(capabilities={"sampling": {}})
    asking = asyncio.create_task(
        host.threads[0].listener.on_question(Question("one", "sampling/createMessage", b'{"messages":[]}'))
    )
    question = await line.hear()
    answer = {"jsonrpc": "2.0", "id": question["id"], "result": {"role": "assistant"}}
    line.client.on_line(json.dumps(answer).encode())
    assert json.loads(await asking) == {"role": "assistant"}


async def test_batch_is_answered_as_one_line_where_the_revision_has_it(line: Line) -> None:
    await line.initialize("2025-03-26")
    line.client.on_line(b'[{"jsonrpc":"2.0","id":1,"method":"ping"},{"jsonrpc":"2.0","id":2,"method":"ping"}]')
    assert sorted(answer["id"] for answer in await line.hear()) == [1, 2]


async def test_modern_client_needs_no_handshake(line: Line, host: FakeHost) -> None:
    discovered = await line.ask("server/discover", _context())
    assert discovered["result"]["supportedVersions"] == ["2026-07-28"]
    answer = await line.ask("tools/call", _context(name="echo"))
    assert answer["result"]["resultType"] == "complete"
    assert host.threads[0].cwd == "/srv/repo"


async def test_modern_client_cancels_by_notification(line: Line, host: FakeHost) -> None:
    line.say("tools/call", _context(name="held"), 5)
    call = await host.call_number(1)
    line.say("notifications/cancelled", {"requestId": 5})
    assert "result" in await line.ask("tools/list", _context(), 6)
    assert call.cancelled


async def test_modern_client_of_an_unknown_revision_is_told_which_are_served(line: Line) -> None:
    params: dict[str, object] = {"_meta": {META + "protocolVersion": "2030-01-01", META + "clientCapabilities": {}}}
    assert (await line.ask("server/discover", params))["error"]["data"]["supported"] == ["2026-07-28"]


async def test_modern_client_listens_until_it_cancels(line: Line, host: FakeHost) -> None:
    line.say("subscriptions/listen", _context(notifications={"toolsListChanged": True}), "s")
    assert (await line.hear())["method"] == "notifications/subscriptions/acknowledged"
    listener = host.threads[0].listener
    listener.on_notification("one", "notifications/tools/list_changed", None)
    assert (await line.hear())["params"]["_meta"] == {META + "subscriptionId": "s"}
    line.say("notifications/cancelled", {"requestId": "s"})
    assert "result" in await line.ask("tools/list", _context(), 2)
    listener.on_notification("one", "notifications/tools/list_changed", None)
    assert line.received.empty()


async def test_discover_probe_before_a_handshake_does_no_harm(line: Line) -> None:
    """A client that tries 2026-07-28 first and falls back is served both times."""
    await line.ask("server/discover", _context())
    assert (await line.initialize())["serverInfo"]["name"] == "one"


async def test_client_that_does_not_read_loses_progress_first(line: Line) -> None:
    await line.initialize()
    line.backlog = 1 << 30
    answer = await line.ask("tools/call", {"name": "progress", "_meta": {"progressToken": 1}})
    assert answer["result"] == {"content": []}


async def test_request_cancelled_in_the_same_breath_is_not_sent(line: Line, host: FakeHost) -> None:
    await line.initialize()
    line.say("tools/call", {"name": "echo"}, 1)
    line.say("notifications/cancelled", {"requestId": 1})
    assert (await line.ask("ping", id=2))["id"] == 2
    assert host.calls == []


class Asking:
    """A modern client on a stream, and a server that asks in the middle of a call."""

    def __init__(self, host: FakeHost, line: Line) -> None:
        self.host = host
        self.line = line
        host.servers["one"].tools["ask"] = self._ask
        capabilities: dict[str, object] = {"elicitation": {}}
        meta: dict[str, object] = {
            META + "protocolVersion": "2026-07-28",
            META + "clientCapabilities": capabilities,
        }
        self.meta = meta
        self.params: dict[str, object] = {"name": "ask", "_meta": meta}

    async def _ask(self, call: FakeCall) -> bytes:
        answer = await call.thread.listener.on_question(Question("one", "elicitation/create", b'{"message":"?"}'))
        call.report(1)
        return encode({"content": [{"type": "text", "text": answer.decode()}]})

    async def begin(self) -> dict[str, object]:
        """The params that answer what the client is asked."""
        demand = (await self.line.ask("tools/call", self.params, 1))["result"]
        assert demand["resultType"] == "input_required"
        answers = {key: {"action": "decline"} for key in demand["inputRequests"]}
        return {**self.params, "requestState": demand["requestState"], "inputResponses": answers}


async def test_modern_client_is_asked_by_its_result(line: Line, host: FakeHost) -> None:
    retry = await Asking(host, line).begin()
    final = (await line.ask("tools/call", retry, 2))["result"]
    assert (final["resultType"], final["content"][0]["text"]) == ("complete", '{"action":"decline"}')
    assert len(host.calls) == 1


async def test_modern_client_hears_progress_under_the_token_of_its_retry(line: Line, host: FakeHost) -> None:
    asking = Asking(host, line)
    asking.meta["progressToken"] = "first"
    retry = await asking.begin()
    asking.meta["progressToken"] = "second"
    assert (await line.ask("tools/call", retry, 2))["params"] == {"progressToken": "second", "progress": 1}
    assert (await line.hear())["id"] == 2


async def test_state_of_one_stream_is_of_no_use_on_another(line: Line, host: FakeHost) -> None:
    retry = await Asking(host, line).begin()
    other = StreamClient(line.gateway, route="one", cwd="/", principal="local", write=line.received_elsewhere)
    other.on_line(json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": retry}).encode())
    async with asyncio.timeout(10):
        answer = await line.elsewhere.get()
    assert answer["error"]["data"]["mcpool"]["reason"] == "over"
    await other.close()
    assert "result" in await line.ask("tools/call", retry, 2)


async def test_modern_client_that_cancels_its_retry_cancels_the_call(line: Line, host: FakeHost) -> None:
    asking = Asking(host, line)
    goes_on = asyncio.Event()

    async def ask_and_hold(call: FakeCall) -> bytes:
        await call.thread.listener.on_question(Question("one", "elicitation/create", b'{"message":"?"}'))
        goes_on.set()
        await asyncio.Event().wait()
        raise AssertionError

    host.servers["one"].tools["ask"] = ask_and_hold
    line.say("tools/call", await asking.begin(), 2)
    async with asyncio.timeout(10):
        await goes_on.wait()
    line.say("notifications/cancelled", {"requestId": 2})
    assert "result" in await line.ask("tools/list", _context(), 3)
    assert host.calls[0].cancelled


async def test_cancelling_a_request_that_was_answered_changes_nothing(line: Line, host: FakeHost) -> None:
    retry = await Asking(host, line).begin()
    line.say("notifications/cancelled", {"requestId": 1})
    assert "result" in await line.ask("tools/call", retry, 1)


async def test_end_of_the_stream_ends_what_waits_for_answers(line: Line, host: FakeHost) -> None:
    await Asking(host, line).begin()
    await line.client.close()
    assert host.calls[0].cancelled
    assert line.gateway.places.taken == 0


async def test_end_of_the_stream_forgets_a_result_that_nobody_came_back_for(line: Line, host: FakeHost) -> None:
    done = asyncio.Event()

    async def ask_and_forget(call: FakeCall) -> bytes:
        asking = asyncio.ensure_future(
            call.thread.listener.on_question(Question("one", "elicitation/create", b'{"message":"?"}'))
        )
        await done.wait()
        asking.cancel()
        return encode({"content": []})

    asking = Asking(host, line)
    host.servers["one"].tools["ask"] = ask_and_forget
    await asking.begin()
    done.set()
    assert "result" in await line.ask("tools/list", _context(), 3)
    assert line.gateway.places.taken == 1
    await line.client.close()
    assert line.gateway.places.taken == 0

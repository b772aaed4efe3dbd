"""Drawn histories of clients of both eras, behind the gateway, that share a server of the handshake era that asks.

The clients are whoever has one token over HTTP, and others on streams; some never answer, cancel, send what they sent
before, or other people's states. Whatever happens, a question reaches only the request that caused it, an answer only
its question, and no tool runs twice. The one exception are questions on behalf of calls that were given up more than
thirty seconds before: the server does not say so, and those no longer count.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from contextlib import suppress
from typing import Any

import msgspec
import pytest

from mcpool.backend.holder import ClientFacts
from mcpool.config.server import WhenAsking
from mcpool.errors import McpoolError
from mcpool.gateway.app import Gateway
from mcpool.gateway.client_session import ClientSession
from mcpool.gateway.exchange import NOWHERE, Exchange
from mcpool.gateway.failure import Failure
from mcpool.gateway.limits import Limits
from mcpool.gateway.message import decode
from mcpool.gateway.modern_envelope import read_context
from mcpool.gateway.modern_sessions import ModernSessions
from mcpool.gateway.request_params import read_params
from mcpool.gateway.stream_client import StreamClient
from mcpool.threads.seat import Listener
from mcpool.threads.thread import Thread
from support.asking_server import AskingServer
from support.virtual_time import VirtualTimeLoop
from support.world import World, config

HISTORIES = 600
SLICES = 8
PATIENCE = 30.0
WAYS: tuple[WhenAsking, ...] = ("overflow", "overflow", "serialise", "isolate")
META = "io.modelcontextprotocol/"
CONTEXT: dict[str, object] = {
    META + "protocolVersion": "2026-07-28",
    META + "clientCapabilities": {"elicitation": {}},
}
REFUSED = {-32602, -32800}


class WorldHost:
    """The threads of a world, as the gateway asks for them."""

    def __init__(self, world: World) -> None:
        self._world = world

    def thread(
        self,
        *,
        cwd: str | None = None,
        principal: str = "",
        client: ClientFacts | None = None,
        listener: Listener | None = None,
        only: Any = None,
        beside: Thread | None = None,
        **more: Any,
    ) -> Thread:
        assert listener is not None
        return self._world.threads.open(
            cwd="/",
            principal=principal,
            client=client or ClientFacts(),
            listener=listener,
            only=only,
            beside=beside,
            **more,
        )


class NoTokens:
    def principal_of(self, token: str) -> str | None:
        return None

    def revoked(self) -> frozenset[str]:
        return frozenset()


class History:
    """What is drawn, and what came of it."""

    def __init__(self, seed: int) -> None:
        self.draw = random.Random(seed)
        self.server = AskingServer()
        self.hastiness = self.draw.choice((0.02, 0.4))
        """How often a request is cancelled."""
        self.states: list[str] = []
        """Every state that any client was ever given."""
        self.given: dict[str, list[object]] = {}
        """By label: the contents that its client answered with, and the gateway took."""
        self.wrong: list[object] = []
        self.finished = 0
        self.asked = 0

    def content(self, label: str) -> dict[str, object]:
        return {"label": label, "n": self.draw.randrange(1 << 30)}

    async def thinks(self) -> bool:
        """Let a person think; False if they never answer."""
        await asyncio.sleep(self.draw.choice((0.0, 0.01, 0.5, 3.0, 20.0)))
        return self.draw.random() < 0.9

    def receives(self, label: str, message: str) -> None:
        self.asked += 1
        if message != label and message not in self.server.asked_late:
            self.wrong.append((label, message))


class OneRequest:
    """Sends one message and gives its answer: over HTTP, all clients of a token have one set of sessions."""

    def __init__(self, sessions: ModernSessions, principal: str) -> None:
        self._sessions = sessions
        self._principal = principal
        self.exchange: Exchange | None = None
        self._session: ClientSession | None = None

    async def send(self, params: dict[str, object]) -> Any:
        request = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {**params, "_meta": CONTEXT}}
        message = decode(msgspec.json.encode(request))
        assert not isinstance(message, list)
        fields, meta = read_params(message)
        session = await self._sessions.of(self._principal, "fake", read_context(message, fields, meta, None))
        self.exchange = session.begin(message, NOWHERE)
        answer, _ = await session.perform(self.exchange)
        return msgspec.json.decode(answer)

    def cancel(self) -> None:
        if self.exchange is not None:
            self.exchange.cancel("the client closed the stream")


class ModernClient:
    """Calls, and answers what its result asks."""

    def __init__(self, history: History, sessions: ModernSessions, principal: str) -> None:
        self.history = history
        self.sessions = sessions
        self.principal = principal

    async def call(self, label: str, script: list[Any]) -> None:
        history, draw = self.history, self.history.draw
        params: dict[str, object] = {"name": "work", "arguments": {"label": label, "script": script}}
        more: dict[str, object] = {}
        given: list[object] = []
        while True:
            sending = OneRequest(self.sessions, self.principal)
            if draw.random() < history.hastiness:
                asyncio.get_running_loop().call_later(draw.choice((0.0, 0.2, 2.0)), sending.cancel)
            answer = await sending.send({**params, **more})
            if given:
                history.given.setdefault(label, []).extend(given)
            if "error" in answer:
                return
            result = answer["result"]
            if result["resultType"] == "complete":
                if result["content"][0]["text"] != f'"{label}"':
                    history.wrong.append((label, result))
                history.finished += 1
                return
            state = result["requestState"]
            history.states.append(state)
            given, answers = [], {}
            for key, request in result["inputRequests"].items():
                history.receives(label, request["params"]["message"])
                given.append(content := history.content(label))
                answers[key] = {"action": "accept", "content": content}
            if not await history.thinks():
                return
            await self._attack({**params, "inputResponses": answers}, state)
            more = {"inputResponses": answers, "requestState": state}

    async def _attack(self, params: dict[str, object], state: str) -> None:
        """Present what must be refused, before the real thing."""
        draw = self.history.draw
        if draw.random() < 0.7:
            return
        bad: dict[str, object] = draw.choice(
            (
                {"requestState": draw.choice(self.history.states)[:-5] + "AAAAA"},
                {"requestState": draw.choice(self.history.states), "name": "other"},
                {"requestState": state, "arguments": {"label": "evil", "script": []}},
                {"requestState": state, "inputResponses": 7},
                {},
            )
        )
        answer = await OneRequest(self.sessions, self.principal).send({**params, **bad})
        if "error" not in answer or answer["error"]["code"] not in REFUSED:
            self.history.wrong.append((bad, answer))
        other = await OneRequest(self.sessions, "thief").send({**params, "requestState": state})
        if "error" not in other or other["error"]["code"] not in REFUSED:
            self.history.wrong.append(("thief", other))


class LegacyClient:
    """Is asked in the middle of its calls, on its stream, also by a call that it has given up."""

    def __init__(self, history: History, gateway: Gateway) -> None:
        self.history = history
        self.stream = StreamClient(gateway, route="fake", cwd="/", principal="local", write=self._hear)
        self._answered: asyncio.Future[Any] | None = None
        self._labels: set[str] = set()
        self._thinking: set[asyncio.Task[None]] = set()
        self._calling = asyncio.Lock()
        self._id = 0

    async def call(self, label: str, script: list[Any]) -> None:
        async with self._calling:
            if self._answered is None:
                await self._ask("initialize", {"protocolVersion": "2025-11-25", "capabilities": {"elicitation": {}}})
            self._labels.add(label)
            answer = await self._ask("tools/call", {"name": "work", "arguments": {"label": label, "script": script}})
            if "result" in answer:
                if answer["result"]["content"][0]["text"] != f'"{label}"':
                    self.history.wrong.append((label, answer))
                self.history.finished += 1

    async def close(self) -> None:
        await self.stream.close()
        for task in self._thinking:
            task.cancel()
        if self._thinking:
            await asyncio.wait(self._thinking)

    async def _ask(self, method: str, params: object) -> Any:
        self._answered = asyncio.get_running_loop().create_future()
        self._id += 1
        self._say({"id": self._id, "method": method, "params": params})
        async with asyncio.timeout(1000):
            return await self._answered

    def _say(self, message: dict[str, object]) -> None:
        self.stream.on_line(msgspec.json.encode({"jsonrpc": "2.0", **message}))

    def _hear(self, line: bytes) -> None:
        message = msgspec.json.decode(line)
        if message.get("id") == self._id and "method" not in message:
            assert self._answered is not None
            self._answered.set_result(message)
        elif message.get("method") == "elicitation/create":
            task = asyncio.get_running_loop().create_task(self._answer(message))
            self._thinking.add(task)
            task.add_done_callback(self._thinking.discard)

    async def _answer(self, message: Any) -> None:
        label = message["params"]["message"]
        self.history.receives(label if label in self._labels else str(self._labels), label)
        if await self.history.thinks():
            content = self.history.content(label)
            self.history.given.setdefault(label, []).append(content)
            self._say({"id": message["id"], "result": {"action": "accept", "content": content}})


async def live(seed: int) -> History:
    """Play one history."""
    history = History(seed)
    draw, server = history.draw, history.server
    server.heeds_cancels = draw.random() < 0.5
    limits = Limits(parked_timeout=PATIENCE, parked_per_client=draw.choice((2, 64)), parked=100)
    settings: dict[str, Any] = {
        "when_asking": draw.choice(WAYS),
        "scope": draw.choice(("shared", "shared", "thread")),
        "question_timeout": 2 * PATIENCE,
        "tool_timeout": draw.choice((6.0, 300.0)),
    }
    async with World(server, configs=[config(**settings)]) as world:
        gateway = Gateway(WorldHost(world), key=b"k" * 32, tokens=NoTokens(), version="1", limits=limits)
        parking = gateway.parking()
        sessions = ModernSessions(WorldHost(world), gateway.views, limits, parking)
        clients: list[ModernClient | LegacyClient] = [
            ModernClient(history, sessions, draw.choice(("ada", "bob"))) for _ in range(draw.randint(1, 4))
        ]
        legacy = [LegacyClient(history, gateway) for _ in range(draw.randint(0, 2))]
        clients += legacy
        calls: list[asyncio.Task[None]] = []
        others: list[asyncio.Task[None]] = []
        labels = [f"call-{number}" for number in range(draw.randint(4, 16))]
        for label in labels:
            script = [draw.choice((0.0, 0.1, 1.0, 3.0, "ask", "ask")) for _ in range(draw.randint(0, 4))]
            calls.append(asyncio.create_task(draw.choice(clients).call(label, script)))
            await world.passes(draw.choice((0.0, 0.0005, 0.01, 0.5, 2.0)))
            _mishap(draw, world, server, others)
        for outcome in await asyncio.gather(*calls, *others, return_exceptions=True):
            if isinstance(outcome, BaseException) and not isinstance(outcome, McpoolError | Failure):
                raise outcome
        await world.passes(2 * PATIENCE + 1.0)
        assert len(parking) == 0
        assert gateway.places.taken == 0
        sessions.expire(world.loop.time() + 1e6)
        assert len(sessions) == 0
        for client in legacy:
            await client.close()
        await sessions.close()
        await gateway.close()
        await world.settles()
        assert len(world.threads) == 0
    assert not history.wrong
    received = Counter(message["params"]["arguments"]["label"] for message in server.got("tools/call"))
    assert not received.keys() - set(labels), "a retry that was refused reached the server"
    assert max(received.values(), default=0) <= 1, "a tool ran twice"
    for label, answers in server.answers_of.items():
        for answer in answers if label not in server.asked_late else ():
            content = answer.get("result", {}).get("content")
            assert content is None or content in history.given.get(label, []) or content["label"] == label
    return history


def _mishap(draw: random.Random, world: World, server: AskingServer, others: list[asyncio.Task[None]]) -> None:
    match draw.randrange(30):
        case 0 if server.running:
            draw.choice(server.running).exit(1)
        case 1:
            world.threads.reload()
        case 2:
            others.append(asyncio.create_task(_reconnect(world)))
        case _:
            pass


async def _reconnect(world: World) -> None:
    with suppress(McpoolError):
        await world.pool.reconnect("fake")


def play(seed: int) -> History:
    """Replay one history."""
    try:
        with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
            return runner.run(live(seed))
    except BaseException as error:
        error.add_note(f"replay it with play({seed})")
        raise


@pytest.mark.parametrize("part", range(SLICES))
def test_no_question_and_no_answer_goes_astray_between_the_eras(part: int) -> None:
    """P7, invariant 7, era bridge."""
    asked = finished = 0
    for seed in range(part, HISTORIES, SLICES):
        history = play(seed)
        asked += history.asked
        finished += history.finished
    assert asked > HISTORIES // SLICES
    assert finished > HISTORIES // SLICES

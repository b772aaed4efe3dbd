"""Clients that write ids and progress tokens as no honest client does, and remember what they may be told.

Each call carries a text of its own, `mine`, and the server that they all share says whose it answers, reports on or
cancels. A client notes what is wrong with what it hears; what can only be seen in the end is for `judge`.
"""

from __future__ import annotations

import asyncio
import json
import math
import random
import sys
from collections import Counter, defaultdict
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Literal, cast

from gatewaykit.http_client import HttpClient, Response
from support.mcpool_home import McpoolHome

Era = Literal["legacy", "2026-07-28"]

LONGEST_ID = 1024
LONG, TOO_LONG = json.dumps("x" * 1000), json.dumps("y" * 5000)
IDS = (
    *("0", "-0", "7", '"7"', '"\\u0037"', '"07"', '" 7"', '""', "-1", "9223372036854775807", "18446744073709551616"),
    *("1" + "0" * 30, "-1" + "0" * 30, '"1e2"', '"null"', LONG, '"\\ud83d\\ude00"', '"a\\nb"', '"é"'),
)
"""Ids as they are written. Everybody uses them, and several of them are one and the same."""
ODD = ("null", "true", "7.0", "1.5", "1e2", "[7]", '{"id":7}', TOO_LONG, "1" + "0" * 2000)
"""What is no id, or none that is taken."""
TOKENS = ("7", '"7"', '""', "0", "1" + "0" * 30, LONG, '"same"')

REFUSED = "refused"
_AHEAD = 8
"""Calls that a client has in flight at a time."""

_CONTEXT = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientInfo": {"name": "hostile", "version": "1"},
    "io.modelcontextprotocol/clientCapabilities": {},
}

_PING: dict[Era, dict[str, object]] = {
    "legacy": {"method": "ping"},
    "2026-07-28": {"method": "tools/list", "params": {"_meta": _CONTEXT}},
}


def key(written: str) -> object:
    """What two ids have in common that are one; None for what is none."""
    value = json.loads(written)
    return (type(value).__name__, value) if type(value) in (int, str) and len(written) <= LONGEST_ID else None


@dataclass(eq=False)
class Ask:
    """One call: what it was, and what its client was told."""

    id: str
    token: str | None
    mine: str
    cancelled: bool = False
    """Its client told that it does not want it, or was about to."""
    outcome: str | None = None
    """What the answer said, or `REFUSED`, where that is certain."""
    sent: float = 0.0
    heard: float = math.inf
    """When it was answered; some time later if that is not certain."""

    def stands_in_the_way_of(self, other: Ask) -> bool:
        """Whether the other may be refused because of it."""
        same_id = key(self.id) == key(other.id) is not None
        same_token = self.token is not None and other.token is not None and key(self.token) == key(other.token)
        return (same_id or same_token) and self.sent <= other.heard and other.sent <= self.heard


@dataclass(eq=False)
class Hostile:
    """What all kinds of clients have in common: a random history, from a seed."""

    name: str
    era: Era
    chance: random.Random
    asks: list[Ask] = field(default_factory=list[Ask])
    wrong: list[str] = field(default_factory=list[str])
    ids: tuple[str, ...] = ()
    """Those that it uses: few, so that they are in flight together and again."""

    def __post_init__(self) -> None:
        self.ids = ("7", '"7"', *self.chance.sample(IDS, 4))

    async def play(self, turns: int) -> None:
        """Do what comes to mind."""
        for _ in range(turns):
            await self._turn()

    async def _turn(self) -> None:
        match self.chance.random():
            case dice if dice < 0.7:
                await self.room()
                await self.ask(self.chance.choice(ODD if dice < 0.05 else self.ids))
            case dice if dice < 0.85:
                await self.cancel(self.chance.choice(self.ids))
            case dice if dice < 0.95:
                if waiting := self.waiting():
                    id = self.chance.choice(waiting).id
                    await self.cancel(id)
                    await self.ask(id)
            case _:
                await self.cancel(self.chance.choice(ODD))

    async def ask(self, id: str) -> None:
        """Call the tool under this id."""
        token = self.chance.choice(TOKENS) if self.chance.random() < 0.5 else None
        one = Ask(id, token, f"{self.name}/{len(self.asks)}", sent=asyncio.get_running_loop().time())
        self.asks.append(one)
        arguments = {"mine": one.mine, "ms": self.chance.randrange(40), "reports": self.chance.randrange(3)}
        await self.send(one, arguments)

    def body(self, one: Ask, arguments: Mapping[str, object]) -> bytes:
        """The request as it is written."""
        meta: dict[str, object] = dict(_CONTEXT) if self.era == "2026-07-28" else {}
        if one.token is not None:
            meta["progressToken"] = "@token"
        params: dict[str, object] = {"name": "say", "arguments": arguments, "_meta": meta}
        text = json.dumps({"jsonrpc": "2.0", "id": "@id", "method": "tools/call", "params": params})
        return text.replace('"@id"', one.id).replace('"@token"', str(one.token)).encode()

    def waiting(self) -> list[Ask]:
        """The calls that are in flight, as far as the client knows."""
        return [one for one in self.asks if one.outcome is None and not one.cancelled and key(one.id) is not None]

    def in_the_way(self, one: Ask) -> bool:
        """Whether this call may be refused because of another."""
        return any(other is not one and other.stands_in_the_way_of(one) for other in self.asks)

    def hear(self, message: dict[str, Any]) -> None:
        """A notification."""
        params = message["params"]
        of = [one for one in self.asks if one.mine == params.get("message")]
        token = json.dumps(params.get("progressToken"))
        if not of or of[0].token is None or key(of[0].token) != key(token):
            self.wrong.append(f"{self.name} heard {str(message)[:200]}")

    # What each kind does in its way

    async def send(self, one: Ask, arguments: Mapping[str, object]) -> None:
        raise NotImplementedError

    async def cancel(self, id: str) -> None:
        raise NotImplementedError

    async def room(self) -> None:
        raise NotImplementedError

    async def all_answered(self) -> None:
        """Return when it has heard everything. By then its server has answered everything."""
        raise NotImplementedError


def cancellation(id: str) -> bytes:
    """The notification."""
    text = json.dumps({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": "@id"}})
    return text.replace('"@id"', id).encode()


class ByUrl(Hostile):
    """Over HTTP: a POST for each call, so each answer tells whose it is."""

    http: HttpClient
    _calls: dict[asyncio.Task[None], Ask]
    _responses: dict[Ask, Response]

    @asynccontextmanager
    async def at(self, mcpool: McpoolHome) -> AsyncGenerator[Hostile]:
        """Come in."""
        self._calls, self._responses = {}, {}
        async with HttpClient(mcpool.port(), "/mcp/witness", token=mcpool.token()) as self.http:
            if self.era == "legacy":
                await self.http.initialize()
            yield self
            for call in self._calls:
                call.cancel()

    async def send(self, one: Ask, arguments: Mapping[str, object]) -> None:
        headers: dict[str, str | None] = {}
        if self.era == "2026-07-28":
            headers = {"MCP-Protocol-Version": self.era, "Mcp-Method": "tools/call", "Mcp-Name": "say"}
        task = asyncio.create_task(self._call(one, self.body(one, arguments), headers))
        self._calls[task] = one
        task.add_done_callback(self._calls.pop)

    async def _call(self, one: Ask, body: bytes, headers: Mapping[str, str | None]) -> None:
        try:
            response = self._responses[one] = await self.http.request("POST", body, headers)
            messages = await response.messages() if response.is_stream else [await response.json()]
        except (OSError, EOFError, ValueError):
            if not one.cancelled:
                raise
            return
        answers = [message for message in messages if "method" not in message]
        for message in messages:
            if message not in answers:
                self.hear(message)
        if not answers and one.cancelled:
            return
        (answer,) = answers
        if key(one.id) is not None and key(json.dumps(answer["id"])) != key(one.id):
            self.wrong.append(f"{self.name} asked as {one.id[:50]} and was answered as {answer['id']!r}")
        one.outcome, one.heard = said_by(answer), asyncio.get_running_loop().time()

    async def cancel(self, id: str) -> None:
        """By notification, and in 2026-07-28, where that has no effect, by hanging up as well."""
        mine = [one for one in self.waiting() if key(one.id) == key(id)]
        for one in mine:
            one.cancelled = True
        response = await self.http.request("POST", cancellation(id))
        await response.body()
        if self.era == "2026-07-28":
            for one in mine:
                if one in self._responses:
                    await self._responses[one].close()

    def in_the_way(self, one: Ask) -> bool:
        return self.era == "legacy" and super().in_the_way(one)  # else each POST stands for itself

    async def room(self) -> None:
        while len(self._calls) >= _AHEAD:
            await asyncio.wait(self._calls, return_when=asyncio.FIRST_COMPLETED)

    async def all_answered(self) -> None:
        while self._calls:
            done, _ = await asyncio.wait(self._calls)
            for call in done:
                call.result()


class ByShim(Hostile):
    """Through `mcpool connect`: everything on one stream, where only ids tell whose an answer is."""

    shim: asyncio.subprocess.Process
    _news: asyncio.Event
    _answers: defaultdict[object, list[str]]
    _heard: dict[str, float]

    @asynccontextmanager
    async def at(self, mcpool: McpoolHome) -> AsyncGenerator[Hostile]:
        """Come in."""
        self._news, self._answers, self._heard = asyncio.Event(), defaultdict(list), {}
        self.shim = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "mcpool", "connect", "witness"),
            env=mcpool.environ,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            limit=1 << 24,
        )
        reading = asyncio.create_task(self._read())
        try:
            if self.era == "legacy":
                hello = {
                    "protocolVersion": "2025-11-25",
                    "capabilities": {},
                    "clientInfo": {"name": "h", "version": "1"},
                }
                await self._write(
                    json.dumps({"jsonrpc": "2.0", "id": "hello", "method": "initialize", "params": hello}).encode()
                )
                await self._until(lambda: bool(self._answers.pop(("str", "hello"), None)))
            yield self
            assert self.shim.stdin is not None
            self.shim.stdin.close()
            async with asyncio.timeout(10):
                await self.shim.wait()
        finally:
            with suppress(ProcessLookupError):
                self.shim.kill()
            await self.shim.wait()
            await asyncio.wait([reading])

    async def _write(self, line: bytes) -> None:
        assert self.shim.stdin is not None
        self.shim.stdin.write(line + b"\n")
        await self.shim.stdin.drain()

    async def _read(self) -> None:
        assert self.shim.stdout is not None
        while line := await self.shim.stdout.readline():
            message = cast("dict[str, Any]", json.loads(line))
            if "method" in message:
                self.hear(message)
            else:
                said = said_by(message)
                self._answers[key(json.dumps(message["id"]))].append(said)
                self._heard[said] = asyncio.get_running_loop().time()
                self._news.set()

    async def _until(self, condition: Any) -> None:
        async with asyncio.timeout(30):
            while not condition():
                self._news.clear()
                await self._news.wait()

    def _due(self) -> Counter[object]:
        """How many answers there must still be, by id; more may come."""
        asked = Counter(key(one.id) for one in self.asks)
        cancelled = Counter(key(one.id) for one in self.asks if one.cancelled)
        return asked - cancelled - Counter({id: len(said) for id, said in self._answers.items()})

    def waiting(self) -> list[Ask]:
        due = self._due()
        return [one for one in super().waiting() if due[key(one.id)]]

    async def send(self, one: Ask, arguments: Mapping[str, object]) -> None:
        await self._write(self.body(one, arguments))

    async def cancel(self, id: str) -> None:
        for one in self.asks:
            if key(one.id) == key(id) is not None:
                one.cancelled = True
        await self._write(cancellation(id))

    async def room(self) -> None:
        await self._until(lambda: self._due().total() < _AHEAD)

    async def all_answered(self) -> None:
        await self._write(json.dumps({"jsonrpc": "2.0", "id": "last", **_PING[self.era]}).encode())
        await self._until(lambda: bool(self._answers.pop(("str", "last"), None)))
        by_mine = {one.mine: one for one in self.asks}
        for id, said in self._answers.items():
            for outcome in said:
                if outcome != REFUSED and key(by_mine[outcome].id if outcome in by_mine else "null") != id:
                    self.wrong.append(f"{self.name} was told {outcome} under {str(id)[:50]}")
                elif outcome != REFUSED:
                    if by_mine[outcome].outcome is not None:
                        self.wrong.append(f"{self.name} was told {outcome} twice")
                    by_mine[outcome].outcome, by_mine[outcome].heard = outcome, self._heard[outcome]
        for one in self.asks:
            if one.outcome is None and not one.cancelled:
                one.outcome = REFUSED


def said_by(answer: dict[str, Any]) -> str:
    """What an answer says: the text that the server returned, or that there is none."""
    if "error" in answer:
        return REFUSED
    return str(text_of(answer)) if "content" in answer["result"] else "hello"


def text_of(answer: dict[str, Any]) -> Any:
    """What the server returned."""
    return json.loads(answer["result"]["content"][0]["text"])


def judge(clients: Sequence[Hostile], ran: Mapping[str, int], cancelled: Sequence[str]) -> list[str]:
    """What is wrong with what these clients were told, given what the server says of it."""
    wrong = [sentence for client in clients for sentence in client.wrong]
    asks = {one.mine: one for client in clients for one in client.asks}
    for mine, one in asks.items():
        if one.outcome not in (None, REFUSED, mine):
            wrong.append(f"{mine} was answered with {one.outcome}")
        if ran.get(mine, 0) > 1:
            wrong.append(f"{mine} ran {ran[mine]} times")
        if one.outcome == mine and not ran.get(mine):
            wrong.append(f"{mine} was answered and never ran")
        if one.outcome == REFUSED and ran.get(mine) and not one.cancelled:
            wrong.append(f"{mine} ran and was refused")
        if one.outcome is None and not one.cancelled:
            wrong.append(f"{mine} was never answered")
        if key(one.id) is None and ran.get(mine):
            wrong.append(f"{mine} ran, although {one.id[:50]} is no id")
    wrong += [
        f"{one.mine} was refused as {one.id[:50]} with nothing in its way"
        for client in clients
        for one in client.asks
        if one.outcome == REFUSED and not one.cancelled and key(one.id) is not None and not client.in_the_way(one)
    ]
    wrong += [f"{mine} was cancelled, and its client wanted it" for mine in cancelled if not asks[mine].cancelled]
    return wrong

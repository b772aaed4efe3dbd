"""A server on the official SDK that asks in every way there is, in the manner of its era: `handshake` or `modern`.

As `handshake` it stands for the many servers from before 2026-07-28: the probe for that revision meets a method that it
does not have. Every answer says how often a tool ran to its end under the key that the call gave.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Annotated, Any

from mcp.server.elicitation import ElicitationResult
from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.resolve import Elicit, ListRoots, Resolve, Sample
from mcp_types import (
    CreateMessageResult,
    ElicitRequest,
    ElicitRequestFormParams,
    ElicitRequestURLParams,
    InputRequest,
    InputRequiredResult,
    ListRootsResult,
    SamplingMessage,
    TextContent,
)
from pydantic import BaseModel

HANDSHAKE = sys.argv[1:] == ["handshake"]
URL = "https://example.test/sign-in"

server = MCPServer("asker", version="1")
runs: Counter[str] = Counter()


class Name(BaseModel):
    name: str


class Age(BaseModel):
    age: int


def told(key: str, value: object) -> str:
    runs[key] += 1
    return json.dumps({"answer": value, "runs": runs[key]})


def outcome(result: ElicitationResult[Any]) -> object:
    return {"action": result.action, **({"data": result.data.model_dump()} if result.action == "accept" else {})}


def ask_name() -> Elicit[Name]:
    return Elicit("Who?", Name)


def ask_age(name: Annotated[ElicitationResult[Name], Resolve(ask_name)]) -> Elicit[Age]:
    return Elicit(f"How old is {outcome(name)}?", Age)


def ask_roots() -> ListRoots:
    return ListRoots()


def ask_model() -> Sample:
    message = SamplingMessage(role="user", content=TextContent(type="text", text="Capital of France?"))
    return Sample([message], max_tokens=10)


@server.tool()
async def form(key: str, name: Annotated[ElicitationResult[Name], Resolve(ask_name)]) -> str:
    return told(key, outcome(name))


@server.tool()
async def rounds(key: str, age: Annotated[ElicitationResult[Age], Resolve(ask_age)]) -> str:
    return told(key, outcome(age))


@server.tool()
async def sample(key: str, answer: Annotated[CreateMessageResult, Resolve(ask_model)]) -> str:
    return told(key, answer.content.text if isinstance(answer.content, TextContent) else None)


@server.tool()
async def folders(key: str, roots: Annotated[ListRootsResult, Resolve(ask_roots)]) -> str:
    return told(key, [str(root.uri) for root in roots.roots])


@server.tool()
async def url(key: str, ctx: Context) -> str | InputRequiredResult:
    if HANDSHAKE:
        return told(key, (await ctx.elicit_url("Sign in", URL, "e-1")).action)
    answer = (ctx.input_responses or {}).get("sign-in")
    if answer is None:
        asked = ElicitRequest(params=ElicitRequestURLParams(message="Sign in", url=URL))
        return InputRequiredResult(input_requests={"sign-in": asked})
    return told(key, answer.model_dump()["action"])


@server.tool()
async def both(key: str, ctx: Context) -> str | InputRequiredResult:
    if HANDSHAKE:
        asked = await asyncio.gather(ctx.elicit("Who?", Name), ctx.elicit("How old?", Age))
        return told(key, [one.action for one in asked])
    answers = ctx.input_responses or {}
    if len(answers) < 2:
        asking: dict[str, InputRequest] = {
            model.__name__: ElicitRequest(
                params=ElicitRequestFormParams(message="?", requested_schema=model.model_json_schema())
            )
            for model in (Name, Age)
        }
        return InputRequiredResult(input_requests=asking)
    return told(key, [answer.model_dump()["action"] for answer in answers.values()])


@server.tool()
async def report(key: str, ctx: Context, name: Annotated[ElicitationResult[Name], Resolve(ask_name)]) -> str:
    await ctx.report_progress(1, 2)
    return told(key, outcome(name))


@server.tool()
async def idle(ctx: Context, mark: str) -> str:
    """Asks, and then works until it is cancelled; the answer is marked by a file, and so is whatever ends it."""
    try:
        await ctx.elicit("Who?", Name)
        touch(f"{mark}.answered")
        await asyncio.Event().wait()
    finally:
        touch(mark)
    raise AssertionError


@server.tool()
async def plain() -> str:
    return "plain"


@server.tool()
async def die(ctx: Context, go: str) -> str:
    """Asks, and dies once there is a file `go`."""
    asking = asyncio.create_task(ctx.elicit("Who?", Name))
    await asyncio.to_thread(wait_for, go)
    asking.cancel()
    os._exit(3)


@server.tool()
async def withdraw(key: str, ctx: Context, go: str) -> str:
    """Asks, and takes it back once there is a file `go`."""
    asking = asyncio.create_task(ctx.elicit("Who?", Name))
    await asyncio.to_thread(wait_for, go)
    asking.cancel()
    return told(key, "withdrawn")


def touch(path: str) -> None:
    Path(path).touch()


def wait_for(path: str) -> None:
    while not Path(path).exists():
        time.sleep(0.01)


@server.prompt()
async def greeting(ctx: Context) -> str:
    return f"Greet {(await ctx.elicit('Who?', Name)).action}"


@server.resource("page://{number}")
async def page(number: str, ctx: Context) -> str:
    return f"{number}: {(await ctx.elicit('Who?', Name)).action}"


def without_probe() -> None:
    """Let everything through to the server but `server/discover`, which is answered as by an older one."""
    lines = os.fdopen(os.dup(0), "rb")
    read, write = os.pipe()
    os.dup2(read, 0)

    def filter_lines() -> None:
        for line in lines:
            message = json.loads(line)
            if message.get("method") == "server/discover":
                error = {"code": -32601, "message": "Method not found"}
                answer = json.dumps({"jsonrpc": "2.0", "id": message["id"], "error": error})
                os.write(1, answer.encode() + b"\n")
            else:
                os.write(write, line)
        os.close(write)

    threading.Thread(target=filter_lines, daemon=True).start()


if __name__ == "__main__":
    if HANDSHAKE:
        without_probe()
    server.run("stdio")

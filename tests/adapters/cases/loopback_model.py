"""A model on loopback, behind OpenAI's chat completions and responses, and Gemini: it does what the user says, as JSON.

The user's message is a list of steps, each a list of `[tool, arguments]`: the model makes the calls of one step after
the other, and answers with what they returned. To any other words it calls the first tool that it is shown.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Any, Self

Request = dict[str, Any]
Hook = Callable[["Asked"], Awaitable[None]]


class Asked:
    """One request: the tools that it was shown, and how many steps of the conversation are done."""

    def __init__(self, messages: list[dict[str, Any]], tools: list[dict[str, Any]]) -> None:
        users = [position for position, message in enumerate(messages) if message["role"] == "user"]
        self.tools = {tool["name"]: tool for tool in tools}
        self.steps = self._steps(_text(messages[users[-1]]["content"]))
        since = messages[users[-1] :]
        self.done = sum(message["role"] == "assistant" for message in since)
        self.results = [_text(message["content"]) for message in since if message["role"] == "tool"]

    def _steps(self, words: str) -> list[list[tuple[str, dict[str, Any]]]]:
        try:
            return json.loads(words)
        except ValueError:
            return [[(next(iter(self.tools)), {})]]

    def message(self) -> dict[str, Any]:
        """The next calls, or the answer."""
        if self.done >= len(self.steps):
            return {"role": "assistant", "content": json.dumps(self.results)}
        calls = [
            {
                "id": f"call_{self.done}_{number}",
                "type": "function",
                "function": {"name": name, "arguments": json.dumps(arguments)},
            }
            for number, (name, arguments) in enumerate(self.steps[self.done])
        ]
        return {"role": "assistant", "content": None, "tool_calls": calls}


class LoopbackModel:
    """Serves while it is entered; `hook` is awaited before each answer."""

    def __init__(self) -> None:
        self.hook: Hook | None = None
        self.asked: list[Asked] = []
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        """The base URL for a client."""
        assert self._server is not None
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/v1"

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, limit=1 << 26)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                path = head.split(b" ", 2)[1]
                headers = dict(line.split(b": ", 1) for line in head.lower().split(b"\r\n")[1:] if b": " in line)
                body = json.loads(await reader.readexactly(int(headers[b"content-length"])))
                answer = await self._by_path(path, body)
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: ")
                writer.write(b"%d\r\n\r\n" % len(answer) + answer)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass  # the client, or the test, is done
        finally:
            self._tasks.discard(task)
            writer.close()

    async def _ask(self, messages: list[dict[str, Any]], tools: list[dict[str, Any]]) -> dict[str, Any]:
        asked = Asked(messages, tools)
        self.asked.append(asked)
        if self.hook is not None:
            await self.hook(asked)
        return asked.message()

    async def _by_path(self, path: bytes, request: Request) -> bytes:
        if path.endswith(b"/responses"):
            return await self._respond(request)
        if path.endswith(b":generateContent"):
            return await self._generate(request)
        return await self._complete(request)

    async def _complete(self, request: Request) -> bytes:
        message = await self._ask(request["messages"], [tool["function"] for tool in request.get("tools") or []])
        reason = "tool_calls" if message.get("tool_calls") else "stop"
        answer = {
            "id": "loop",
            "object": "chat.completion",
            "created": 0,
            "model": "loop",
            "choices": [{"index": 0, "message": message, "finish_reason": reason}],
            "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
        }
        return json.dumps(answer).encode()

    async def _respond(self, request: Request) -> bytes:
        given = request["input"]
        items = given if isinstance(given, list) else [{"role": "user", "content": given}]
        message = await self._ask([_as_message(item) for item in items], request.get("tools") or [])
        output = [
            {"type": "function_call", "id": f"fc_{call['id']}", "call_id": call["id"], **call["function"]}
            for call in message.get("tool_calls") or []
        ] or [
            {
                "type": "message",
                "id": "msg",
                "role": "assistant",
                "status": "completed",
                "content": [{"type": "output_text", "text": message["content"], "annotations": []}],
            }
        ]
        answer = {
            "id": "loop",
            "object": "response",
            "created_at": 0,
            "model": "loop",
            "status": "completed",
            "output": output,
            "parallel_tool_calls": True,
            "tool_choice": "auto",
            "tools": [],
            "usage": {
                "input_tokens": 1,
                "output_tokens": 1,
                "total_tokens": 2,
                "input_tokens_details": {"cached_tokens": 0},
                "output_tokens_details": {"reasoning_tokens": 0},
            },
        }
        return json.dumps(answer).encode()

    async def _generate(self, request: Request) -> bytes:
        declared = [one for tool in request.get("tools") or [] for one in tool.get("functionDeclarations", [])]
        tools = [{**one, "parameters": one.get("parameters_json_schema")} for one in declared]
        message = await self._ask([one for content in request["contents"] for one in _from_gemini(content)], tools)
        parts: list[dict[str, Any]] = [
            {"functionCall": {"name": call["function"]["name"], "args": json.loads(call["function"]["arguments"])}}
            for call in message.get("tool_calls") or []
        ] or [{"text": message["content"]}]
        candidate = {"content": {"role": "model", "parts": parts}, "finishReason": "STOP", "index": 0}
        return json.dumps({"candidates": [candidate], "modelVersion": "loop"}).encode()


def _from_gemini(content: dict[str, Any]) -> list[dict[str, Any]]:
    """What a content of a request to Gemini stands for, as messages."""
    answers = [part["functionResponse"]["response"] for part in content["parts"] if "functionResponse" in part]
    if answers:
        return [{"role": "tool", "content": _gemini_result(answer)} for answer in answers]
    role = "assistant" if content["role"] == "model" else "user"
    return [{"role": role, "content": "".join(part.get("text", "") for part in content["parts"])}]


def _gemini_result(answer: dict[str, Any]) -> str:
    return str(answer["error"]) if "error" in answer else _text(answer["content"])


def _as_message(item: dict[str, Any]) -> dict[str, Any]:
    """An item of a response's input as the message that it stands for."""
    match item.get("type"):
        case "function_call":
            return {"role": "assistant", "content": None}
        case "function_call_output":
            return {"role": "tool", "content": item["output"]}
        case _:
            return item


def _text(content: Any) -> str:
    return content if isinstance(content, str) else "".join(part.get("text", "") for part in content)

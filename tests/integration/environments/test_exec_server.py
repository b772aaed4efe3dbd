"""`mcpool exec-server` as whoever runs it, or tries to come in, meets it."""

from __future__ import annotations

import asyncio
import base64
import json
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from support.exec_servers import ExecServer
from support.mcpool_home import McpoolHome, wait_gone


@pytest.fixture
def far(ours: ExecServer) -> ExecServer:
    """Our own."""
    return ours


async def ask(socket: Any, message: object) -> Any:
    """One message and what is answered."""
    await socket.send(message if isinstance(message, bytes | str) else json.dumps(message))
    async with asyncio.timeout(20):
        return json.loads(await socket.recv())


def start(script: str) -> dict[str, Any]:
    """Parameters of a process that reads."""
    argv = ["/bin/sh", "-c", script]
    env = {"PATH": "/usr/bin:/bin"}
    return {"processId": "p", "argv": argv, "cwd": "file:///", "env": env, "tty": False, "pipeStdin": True}


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic x"}])
async def test_nobody_comes_in_without_the_token(far: ExecServer, headers: dict[str, str]) -> None:
    with pytest.raises(InvalidStatus) as caught:
        await connect(far.url, additional_headers=headers)
    assert caught.value.response.status_code == 401


async def test_no_page_in_a_browser_comes_in_even_with_the_token(far: ExecServer) -> None:
    with pytest.raises(InvalidStatus) as caught:
        await connect(far.url, additional_headers=far.headers, origin="http://localhost")  # pyright: ignore[reportArgumentType]
    assert caught.value.response.status_code == 403


async def test_its_token_is_for_its_user_alone(far: ExecServer) -> None:
    assert (far.home / "exec-server.token").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ("no json", -32600),
        ("[" * 2000, -32600),
        ({"id": 1, "method": "process/start", "params": {}}, -32600),
        ({"id": 1, "method": "http/request", "params": {"method": "GET", "url": "x", "requestId": "r"}}, -32600),
        ({"id": 1, "method": "initialize", "params": {"clientName": 5}}, -32602),
        ({"id": 1, "method": "initialize", "params": {"clientName": "x", "resumeSessionId": "none"}}, -32600),
    ],
)
async def test_garbage_is_answered_and_costs_nothing(far: ExecServer, message: object, code: int) -> None:
    async with connect(far.url, additional_headers=far.headers) as socket:
        assert (await ask(socket, message))["error"]["code"] == code
        answer = await ask(socket, {"id": 2, "method": "initialize", "params": {"clientName": "x"}})
        assert answer["result"]["sessionId"]


@pytest.mark.parametrize(
    ("method", "params", "code"),
    [
        ("no/such", {}, -32601),
        ("fs/readFile", {"path": "/native"}, -32602),
        ("fs/readFile", {"path": "file:///no/such"}, -32004),
        ("process/start", {"processId": "p", "argv": [], "cwd": "file:///", "env": {}, "tty": False}, -32602),
        ("process/start", {"processId": "p", "argv": ["x"], "cwd": "file:///", "env": {}, "tty": True}, -32600),
        ("process/read", {"processId": "p"}, -32600),
        ("http/request", {"method": "GET", "url": "nonsense", "requestId": "r"}, -32602),
    ],
)
async def test_what_can_not_be_done_is_refused(far: ExecServer, method: str, params: object, code: int) -> None:
    async with connect(far.url, additional_headers=far.headers) as socket:
        await ask(socket, {"id": 1, "method": "initialize", "params": {"clientName": "x"}})
        assert (await ask(socket, {"id": 2, "method": method, "params": params}))["error"]["code"] == code


async def test_a_read_can_wait_for_what_comes(far: ExecServer) -> None:
    async with connect(far.url, additional_headers=far.headers) as socket:
        await ask(socket, {"id": 1, "method": "initialize", "params": {"clientName": "x"}})
        await ask(socket, {"id": 2, "method": "process/start", "params": start("exec cat")})
        read = {"processId": "p", "waitMs": 20000}
        await socket.send(json.dumps({"id": 3, "method": "process/read", "params": read}))
        await ask(socket, {"id": 4, "method": "process/write", "params": {"processId": "p", "chunk": "QQ=="}})
        answers = [json.loads(await socket.recv()) for _ in range(2)]
    (told,) = [answer["result"] for answer in answers if answer.get("id") == 3]
    assert [chunk["chunk"] for chunk in told["chunks"]] == ["QQ=="]


async def test_ended_by_a_signal_it_ends_what_runs_there(far: ExecServer) -> None:
    async with connect(far.url, additional_headers=far.headers) as socket:
        await ask(socket, {"id": 1, "method": "initialize", "params": {"clientName": "x"}})
        await ask(socket, {"id": 2, "method": "process/start", "params": start("echo $$; exec cat")})
        async with asyncio.timeout(20):
            told = json.loads(await socket.recv())
        pid = int(base64.b64decode(told["params"]["chunk"]))
        assert await asyncio.to_thread(far.end) == 0
        wait_gone(pid)


def test_a_port_that_is_taken_is_said_in_a_sentence(far: ExecServer, tmp_path: Path) -> None:
    with closing(McpoolHome(tmp_path / "other")) as other:
        done = other.run("exec-server", "--listen", str(far.port))
    assert done.returncode == 3
    assert done.stderr.startswith("mcpool: ")
    assert str(far.port) in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--listen", "nonsense"], "--listen takes [HOST:]PORT, not `nonsense`"),
        (["--root", "/no/such"], "--root /no/such is no folder"),
        (["--token-file", "/no/such"], "/no/such: the token could not be read: No such file or directory"),
    ],
)
def test_what_it_can_not_be_is_said_in_a_sentence(tmp_path: Path, arguments: list[str], said: str) -> None:
    with closing(McpoolHome(tmp_path / "home")) as home:
        done = home.run("exec-server", *arguments)
    assert (done.returncode, said in done.stderr) == (2, True), done.stderr

"""The Unix socket, with a gateway that the test plays."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from mcpool.errors import DaemonError
from mcpool.gateway import socket_client
from mcpool.gateway.activity import Activity
from mcpool.gateway.unix_face import UnixFace, listening


class EchoStream:
    """Sends every line back."""

    def __init__(self, write: Callable[[bytes], None]) -> None:
        self._write = write
        self.closed = asyncio.Event()

    def on_line(self, line: bytes) -> None:
        self._write(line + b"\n")

    async def close(self) -> None:
        self.closed.set()


class FakeServices:
    """What a daemon offers, noted."""

    def __init__(self) -> None:
        self.opened: list[tuple[str | None, str]] = []
        self.streams: list[EchoStream] = []

    def refusal(self, server: str, cwd: str | None = None) -> str | None:
        return None if server in ("demo", "git") else f"no server is named `{server}`"

    def open_stream(
        self, *, route: str | None, whole: bool, cwd: str, write: Callable[[bytes], None], backlog: Callable[[], int]
    ) -> EchoStream:
        self.opened.append((route, cwd))
        self.streams.append(stream := EchoStream(write))
        return stream

    async def control(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        if method == "fail":
            raise DaemonError("it can't be done")
        if method == "break":
            raise RuntimeError("never foreseen")
        return {"method": method, "params": params}


class Face:
    """A listening socket and what happens behind it."""

    def __init__(self, path: str, face: UnixFace, services: FakeServices, activity: Activity) -> None:
        self.path = path
        self.face = face
        self.services = services
        self.activity = activity

    async def connect(self) -> Peer:
        return Peer(*await asyncio.open_unix_connection(self.path))

    async def join(self, kind: str = "mcp", server: str | None = "demo") -> Peer:
        peer = await self.connect()
        peer.send({"mcpool": 1, "version": "0", "kind": kind, "server": server, "cwd": "/w", "pid": 1})
        assert (await peer.receive())["ok"]
        return peer


class Peer:
    """The other end."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    def send(self, message: object) -> None:
        self.writer.write(json.dumps(message).encode() + b"\n")

    async def receive(self) -> dict[str, Any]:
        async with asyncio.timeout(20):
            return json.loads(await self.reader.readline())

    async def at_end(self) -> bool:
        async with asyncio.timeout(20):
            try:
                return await self.reader.read() == b""
            except ConnectionResetError:
                return True

    async def close(self) -> None:
        self.writer.close()


@asynccontextmanager
async def serving(path: Path) -> AsyncGenerator[Face]:
    services, activity = FakeServices(), Activity()
    async with asyncio.TaskGroup() as tasks:

        def spawn(work: Coroutine[Any, Any, None]) -> object:
            return tasks.create_task(work)

        face = UnixFace(services, spawn, activity.use)
        async with listening(str(path), face):
            yield Face(str(path), face, services, activity)


@pytest.fixture
def folder_of_all(tmp_path: Path) -> Path:
    tmp_path.chmod(0o777)
    return tmp_path


@pytest.fixture
async def face(tmp_path: Path) -> AsyncIterator[Face]:
    async with serving(tmp_path / "daemon.sock") as face:
        yield face


async def test_a_client_is_greeted_and_its_lines_go_to_its_stream(face: Face) -> None:
    peer = await face.join()
    peer.send({"n": 1})
    assert await peer.receive() == {"n": 1}
    assert face.services.opened == [("demo", "/w")]
    await peer.close()


async def test_lines_in_pieces_and_many_at_once_arrive_as_lines(face: Face) -> None:
    peer = await face.join()
    peer.writer.write(b'{"n"')
    await peer.writer.drain()
    peer.writer.write(b':1}\n\n{"n":2}\n{"n"')
    peer.writer.write(b":3}\n")
    assert [await peer.receive() for _ in range(3)] == [{"n": 1}, {"n": 2}, {"n": 3}]
    await peer.close()


async def test_an_unknown_server_is_refused(face: Face) -> None:
    peer = await face.connect()
    peer.send({"mcpool": 1, "version": "0", "kind": "mcp", "server": "demmo", "cwd": "/", "pid": 1})
    answer = await peer.receive()
    assert (answer["ok"], answer["error"]) == (False, "no server is named `demmo`")
    assert await peer.at_end()
    await peer.close()


@pytest.mark.parametrize(
    "wrong", [{"kind": "other"}, {"kind": None}, {"server": ["demo"]}, {"cwd": "somewhere"}, {"cwd": None}]
)
async def test_a_hello_with_a_wrong_field_is_refused(face: Face, wrong: dict[str, object]) -> None:
    peer = await face.connect()
    peer.send({"mcpool": 1, "version": "0", "kind": "mcp", "server": "demo", "cwd": "/", "pid": 1} | wrong)
    assert "a hello says" in (await peer.receive())["error"]
    assert face.services.opened == []
    await peer.close()


async def test_a_client_of_another_protocol_is_told_what_to_do(face: Face) -> None:
    peer = await face.connect()
    peer.send({"mcpool": 2, "version": "9", "kind": "mcp", "server": None, "cwd": "/", "pid": 1})
    answer = await peer.receive()
    assert not answer["ok"]
    assert "`mcpool stop`" in answer["error"]
    await peer.close()


@pytest.mark.parametrize("garbage", [b"GET / HTTP/1.1\r\n", b"{}\n", b"[]\n", b"\xff\xfe\n", b"[" * 60_000 + b"\n"])
async def test_whatever_else_connects_is_told_what_this_is(face: Face, garbage: bytes) -> None:
    peer = await face.connect()
    peer.writer.write(garbage)
    assert "socket of an mcpool daemon" in (await peer.receive())["error"]
    assert await peer.at_end()
    await peer.close()


async def test_a_hello_without_end_is_cut_short(face: Face) -> None:
    peer = await face.connect()
    peer.writer.write(b"x" * 100_000)
    assert (await peer.receive())["bye"] == "end"
    await peer.close()


async def test_a_message_that_is_too_long_fails_alone(face: Face, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket_client, "MESSAGE_BYTES", 100_000)
    peer = await face.join()
    peer.send({"jsonrpc": "2.0", "id": 7, "method": "m", "params": "x" * 1_000_000})
    peer.send({"n": 1})
    answer = await peer.receive()
    assert (answer["id"], answer["error"]["code"]) == (7, -32012)
    assert await peer.receive() == {"n": 1}
    await peer.close()


async def test_who_says_nothing_is_hung_up_on(face: Face, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket_client, "HELLO_WITHIN", 0.01)
    peer = await face.connect()
    assert await peer.at_end()
    await peer.close()


async def test_a_client_that_leaves_gives_its_stream_back(face: Face) -> None:
    peer = await face.join()
    assert face.activity.clients == 1
    await peer.close()
    async with asyncio.timeout(20):
        await face.services.streams[0].closed.wait()
        await face.activity.idle_for(0)
    assert face.activity.clients == 0


async def test_a_client_that_does_not_read_is_hung_up_on_and_harms_nobody(
    face: Face, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket_client, "BACKLOG_BYTES", 100_000)
    deaf, other = await face.join(), await face.join()
    stream = face.services.streams[0]
    for _ in range(100):
        stream.on_line(b"x" * 100_000)
    async with asyncio.timeout(20):
        await stream.closed.wait()
    other.send({"n": 1})
    assert await other.receive() == {"n": 1}
    await deaf.close()
    await other.close()


async def test_control_requests_are_answered_by_their_ids(face: Face) -> None:
    peer = await face.join("control", None)
    peer.send({"id": 1, "method": "status", "params": {"a": 1}})
    peer.send({"id": 2, "method": "fail"})
    assert await peer.receive() == {"id": 1, "result": {"method": "status", "params": {"a": 1}}}
    assert await peer.receive() == {"id": 2, "error": "it can't be done"}
    await peer.close()


@pytest.mark.parametrize(
    "line", [b"what?\n", b"[]\n", b'{"id": 1}\n', b'{"id": 1, "method": "status", "params": [1]}\n']
)
async def test_a_control_request_that_makes_no_sense_is_answered(face: Face, line: bytes) -> None:
    peer = await face.join("control", None)
    peer.writer.write(line)
    assert "a control request is" in (await peer.receive())["error"]
    await peer.close()


async def test_a_control_request_that_breaks_something_is_answered(face: Face) -> None:
    peer = await face.join("control", None)
    peer.send({"id": 1, "method": "break"})
    assert "`break` failed" in (await peer.receive())["error"]
    await peer.close()


async def test_control_does_not_count_as_a_client(face: Face) -> None:
    peer = await face.join("control", None)
    assert face.activity.clients == 0
    await peer.close()


async def test_clients_of_one_server_can_be_dismissed(face: Face) -> None:
    one, other = await face.join(server="demo"), await face.join(server="git")
    face.face.dismiss({"bye": "end", "reason": "gone"}, lambda server: server == "demo")
    assert await one.receive() == {"mcpool": 1, "bye": "end", "reason": "gone"}
    other.send({"n": 1})
    assert await other.receive() == {"n": 1}
    await one.close()
    await other.close()


async def test_at_the_end_the_socket_is_gone_and_so_are_the_clients(tmp_path: Path) -> None:
    path = tmp_path / "daemon.sock"
    async with serving(path) as face:
        peer = await face.join()
    assert not path.exists()
    assert await peer.at_end()
    await peer.close()


async def test_a_socket_left_behind_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "daemon.sock"
    path.touch()
    async with serving(path) as face:
        peer = await face.join()
        await peer.close()


async def test_a_folder_that_others_can_write_to_is_refused(folder_of_all: Path) -> None:
    with pytest.raises(ExceptionGroup) as refused:
        async with serving(folder_of_all / "daemon.sock"):
            pass
    assert refused.group_contains(DaemonError, match="chmod 700")

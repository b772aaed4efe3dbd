"""The TCP port, and who has it."""

from __future__ import annotations

import asyncio
import os
import socket
from pathlib import Path

import pytest

from mcpool.errors import DaemonError
from mcpool.gateway.port import bind_loopback, holder_of
from support.ports import closed_port


def test_any_free_port_can_be_asked_for() -> None:
    with bind_loopback(0) as sock:
        assert sock.getsockname()[0] == "127.0.0.1"
        assert sock.getsockname()[1] > 0


def test_a_taken_port_is_told_with_its_holder() -> None:
    with bind_loopback(0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(DaemonError, match=rf"port {port} on 127\.0\.0\.1 is taken by pid {os.getpid()} \("):
            bind_loopback(port)


def test_a_port_is_free_again_as_soon_as_its_socket_is_closed() -> None:
    port = closed_port()
    with bind_loopback(port) as sock, socket.create_connection(("127.0.0.1", port)):
        sock.accept()[0].close()
    bind_loopback(port).close()


def test_nobody_has_a_free_port() -> None:
    assert holder_of(closed_port()) is None


def test_where_the_system_does_not_tell_there_is_no_guess(tmp_path: Path) -> None:
    assert holder_of(8377, proc=tmp_path) is None


async def test_an_answer_of_two_writes_is_not_held_back() -> None:
    with bind_loopback(0) as listening:
        server = await asyncio.start_server(lambda reader, writer: seen.set_result(writer), sock=listening)
        seen: asyncio.Future[asyncio.StreamWriter] = asyncio.get_running_loop().create_future()
        _, client = await asyncio.open_connection(*listening.getsockname())
        accepted = await seen
        try:
            sock: socket.socket = accepted.get_extra_info("socket")
            assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        finally:
            for writer in (client, accepted):
                writer.close()
                await writer.wait_closed()
            server.close()
            await server.wait_closed()

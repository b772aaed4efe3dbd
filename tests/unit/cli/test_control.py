"""A control request, from its question to its answer or the lack of one."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator

import pytest

from mcpool.cli.control import ask
from mcpool.errors import DaemonError
from mcpool.rendezvous import Joined


@pytest.fixture
def daemon() -> Iterator[tuple[Joined, socket.socket]]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield Joined(ours, b""), theirs


def test_answer_is_returned(daemon: tuple[Joined, socket.socket]) -> None:
    joined, theirs = daemon
    theirs.sendall(b'{"id": 1, "result": {"a": 1}}\n')
    assert ask(joined, "status") == {"a": 1}
    assert json.loads(theirs.recv(1000)) == {"id": 1, "method": "status", "params": {}}


def test_refusal_is_raised(daemon: tuple[Joined, socket.socket]) -> None:
    joined, theirs = daemon
    theirs.sendall(b'{"id": 1, "error": "no"}\n')
    with pytest.raises(DaemonError, match=r"^no$"):
        ask(joined, "status")


def test_daemon_that_goes_away_is_told(daemon: tuple[Joined, socket.socket]) -> None:
    joined, theirs = daemon
    theirs.close()
    with pytest.raises(DaemonError, match="went away"):
        ask(joined, "status")


def test_daemon_that_hangs_is_told(daemon: tuple[Joined, socket.socket]) -> None:
    joined, _ = daemon
    with pytest.raises(DaemonError, match=r"did not answer `status` within 0\.01 s"):
        ask(joined, "status", timeout=0.01)

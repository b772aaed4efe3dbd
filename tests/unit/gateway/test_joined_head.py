"""Head and body of an answer go out together, and nothing is kept back for longer than that."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from mcpool.gateway.joined_head import JOINED_MOST, JoinedHead

HEAD = b"HTTP/1.1 200 OK\r\n\r\n"


class Wire:
    """A transport that notes what is written."""

    def __init__(self) -> None:
        self.written: list[bytes] = []
        self.closed = False

    def write(self, data: bytes) -> None:
        self.written.append(data)

    def close(self) -> None:
        self.closed = True

    def get_extra_info(self, name: str) -> str:
        return name


@dataclass(eq=False)
class Answering:
    """What uvicorn knows of an answer (`RequestResponseCycle`)."""

    response_started: bool = True
    chunked_encoding: bool | None = False
    scope: dict[str, str] = field(default_factory=lambda: {"method": "POST"})


class Connection:
    """A transport in use, for one answer after the other."""

    def __init__(self) -> None:
        self.wire = Wire()
        self.answering = Answering()
        self.transport = JoinedHead(cast("Any", self.wire), lambda: self.answering)


@pytest.fixture
def connection() -> Connection:
    return Connection()


def test_head_goes_out_with_its_body(connection: Connection) -> None:
    connection.transport.write(HEAD)
    connection.transport.write(b"body")
    assert connection.wire.written == [HEAD + b"body"]


def test_next_answer_is_joined_as_well(connection: Connection) -> None:
    for body in (b"one", b"two"):
        connection.answering = Answering()
        connection.transport.write(HEAD)
        connection.transport.write(body)
    assert connection.wire.written == [HEAD + b"one", HEAD + b"two"]


def test_only_the_head_is_kept_back(connection: Connection) -> None:
    for part in (HEAD, b"first", b"second"):
        connection.transport.write(part)
    assert connection.wire.written == [HEAD + b"first", b"second"]


def test_large_body_is_not_copied(connection: Connection) -> None:
    body = b"x" * (JOINED_MOST + 1)
    connection.transport.write(HEAD)
    connection.transport.write(body)
    assert connection.wire.written == [HEAD, body]


@pytest.mark.parametrize(
    "answering",
    [
        Answering(chunked_encoding=True),
        Answering(chunked_encoding=None),
        Answering(scope={"method": "HEAD"}),
        Answering(response_started=False, chunked_encoding=None),
    ],
    ids=["a stream", "no body", "HEAD", "100-continue"],
)
def test_where_nothing_may_follow_it_goes_out_at_once(connection: Connection, answering: Answering) -> None:
    connection.answering = answering
    connection.transport.write(HEAD)
    assert connection.wire.written == [HEAD]


def test_what_is_kept_back_goes_out_before_the_end(connection: Connection) -> None:
    connection.transport.write(HEAD)
    connection.transport.close()
    assert (connection.wire.written, connection.wire.closed) == ([HEAD], True)


def test_else_it_is_the_transport(connection: Connection) -> None:
    assert connection.transport.get_extra_info("peername") == "peername"

"""The messages as `codex exec-server` writes and reads them."""

from __future__ import annotations

import json

import msgspec
import pytest

from mcpool.environments import protocol
from mcpool.environments.protocol import (
    EnvPolicy,
    Events,
    FileContent,
    HttpRequest,
    HttpResponse,
    Initialize,
    Initialized,
    Message,
    Output,
    Start,
    Write,
)


def test_a_start_is_written_as_it_is_read_there() -> None:
    start = Start("p", ("sh", "-c", "x"), "file:///tmp", {"A": "1"}, pipe_stdin=True, env_policy=EnvPolicy("all", True))
    assert json.loads(protocol.request(20, protocol.START, start)) == {
        "id": 20,
        "method": "process/start",
        "params": {
            "processId": "p",
            "argv": ["sh", "-c", "x"],
            "cwd": "file:///tmp",
            "env": {"A": "1"},
            "tty": False,
            "pipeStdin": True,
            "arg0": None,
            "envPolicy": {
                "inherit": "all",
                "ignoreDefaultExcludes": True,
                "exclude": [],
                "set": {},
                "includeOnly": [],
            },
        },
    }


def test_input_is_base64() -> None:
    assert b'"chunk":"aGVsbG8K"' in protocol.request(3, protocol.WRITE, Write("p", b"hello\n", "w1"))


def test_a_session_is_asked_for_only_where_there_is_one() -> None:
    assert json.loads(msgspec.json.encode(Initialize("mcpool"))) == {"clientName": "mcpool"}


@pytest.mark.parametrize(
    ("kind", "written"),
    [
        (Initialized, {"sessionId": "s"}),
        (Initialized, {"sessionId": "s", "environmentInfo": {"shell": {"name": "sh", "path": "/bin/sh"}, "more": 1}}),
        (Output, {"processId": "p", "seq": 1, "stream": "stdout", "chunk": "QQ=="}),
        (Events, {"chunks": [], "nextSeq": 4, "exited": True, "exitCode": 0, "closed": True, "failure": None}),
        (FileContent, {"dataBase64": "dm0K"}),
        (HttpRequest, {"method": "GET", "url": "http://a", "requestId": "r", "bodyBase64": "QQ==", "timeoutMs": None}),
        (HttpResponse, {"status": 200, "headers": [{"name": "a", "value": "b"}], "bodyBase64": ""}),
    ],
)
def test_what_comes_from_there_is_understood(kind: type[msgspec.Struct], written: object) -> None:
    assert isinstance(msgspec.json.decode(json.dumps(written), type=kind), kind)


def test_an_error_is_understood() -> None:
    text = '{"error":{"code":-32603,"data":{"kind":"spawnNotFound"},"message":"No such file"},"id":22}'
    message = msgspec.json.decode(text, type=Message)
    assert message.error is not None
    assert (message.id, message.error.code, bytes(message.error.data)) == (22, -32603, b'{"kind":"spawnNotFound"}')

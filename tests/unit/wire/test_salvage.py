"""Whose a message is that cannot be read as a whole."""

from __future__ import annotations

import pytest

from mcpool.wire.salvage import Salvaged, salvage

NOTHING = Salvaged(None, method=False, spoken=False)


@pytest.mark.parametrize(
    ("head", "tail", "expected"),
    [
        (b'{"jsonrpc":"2.0","id":7,"result":{"a', b"aaa", Salvaged(7, method=False, spoken=True)),
        (b' { "id" : "x\\"y" , "jsonrpc" : "2.0" , "result"', b"", Salvaged('x"y', method=False, spoken=True)),
        (b'{"result":{', b'}}, "id": 7, "jsonrpc": "2.0"}\r\n', Salvaged(7, method=False, spoken=True)),
        (b'{"jsonrpc":"2.0","result":{', b'},"id":7}', Salvaged(7, method=False, spoken=True)),
        (b'{"jsonrpc":"2.0","method":"m","id":1,"params":{', b"}}", Salvaged(1, method=True, spoken=True)),
        (b'{"jsonrpc":"2.0","params":{', b'},"id":1,"method":"m"}', Salvaged(1, method=True, spoken=True)),
    ],
)
def test_members_at_either_end_are_read(head: bytes, tail: bytes, expected: Salvaged) -> None:
    assert salvage(head, tail) == expected


@pytest.mark.parametrize(
    ("head", "tail"),
    [
        pytest.param(b'{"result":{"id":7,"jsonrpc":"2.0","x":1,', b'"id":7,"jsonrpc":"2.0"}}', id="nested"),
        pytest.param(b'{"result":"', rb',\"id\":7,\"jsonrpc\":\"2.0\"}"}', id="inside a string"),
        pytest.param(b'[{"jsonrpc":"2.0","id":7,', b"", id="in an array"),
        pytest.param(b'{"id":true,', b"", id="no id at all"),
        pytest.param(b"some text", b"more text}", id="no JSON"),
        pytest.param(b"", b"", id="nothing"),
        pytest.param(b'{"id":1' + b"9" * 4000, b"", id="an id without end"),
    ],
)
def test_what_is_not_at_the_top_level_counts_for_nothing(head: bytes, tail: bytes) -> None:
    assert salvage(head, tail) == NOTHING


def test_of_many_members_at_the_end_the_last_are_read() -> None:
    tail = b"}" + b',"a":1' * 1000 + b',"id":7,"jsonrpc":"2.0"}'

    assert salvage(b'{"result":{', tail) == Salvaged(7, method=False, spoken=True)


@pytest.mark.timeout(20)
def test_hostile_text_does_not_take_quadratic_time() -> None:
    for unit in (b",", b',"', b',"a":1 ', b'"', b"{", b'"\\', b'\\"', b',"a":"'):
        salvage(b"{" + unit * 200_000, unit * 200_000)

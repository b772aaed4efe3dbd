"""Whose answer is due for a message that is too long to be read."""

from __future__ import annotations

import pytest

from mcpool.gateway.oversized import ENDS, guess_id

BODY = b"x" * (2 * ENDS)


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (b'{"jsonrpc":"2.0","id":7,"method":"m","params":"' + BODY + b'"}', 7),
        (b'{ "id": "a\\"b", "method": "m", "params": "' + BODY + b'"}', 'a"b'),
        (b'{"method":"m","params":"' + BODY + b'","jsonrpc":"2.0","id":12}\r', 12),
        (b'{"method":"m","id":3,"params":"' + BODY + b'"}', None),
        (b'{"method":"m","params":{"id":3,"x":"' + BODY + b'"}}', None),
        (b'{"jsonrpc":"2.0","id":"\\q","method":"' + BODY + b'"}', None),
        (BODY, None),
    ],
)
def test_the_id_is_found_where_libraries_put_it_and_never_elsewhere(message: bytes, expected: str | int | None) -> None:
    assert guess_id(message) == expected

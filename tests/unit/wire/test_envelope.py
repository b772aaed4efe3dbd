"""Small judgements about bytes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mcpool.wire import envelope
from mcpool.wire.envelope import is_utf8, notification_line, one_line, raw_id


def is_utf8_by_decoding(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


@given(st.text().map(str.encode) | st.binary(), st.integers(0, 6))
def test_utf8_is_what_decodes_also_across_pieces(data: bytes, shift: int) -> None:
    padded = b"x" * (envelope.PIECE - shift) + data

    assert is_utf8(data) == is_utf8_by_decoding(data)
    assert is_utf8(padded) == is_utf8_by_decoding(data)


def test_continuation_bytes_without_end_are_no_utf8() -> None:
    assert not is_utf8(b"\x80" * (envelope.PIECE + 10))


def test_breaks_become_spaces() -> None:
    assert one_line(b'{\r\n"a":\n1}') == b'{  "a": 1}'


def test_a_notification_is_one_line() -> None:
    assert notification_line('a"b', b"{\n}") == b'{"jsonrpc":"2.0","method":"a\\"b","params":{ }}\n'


def test_ids_are_written_as_json() -> None:
    assert [raw_id(id) for id in (7, 10**30, 'a"b', 1.5, None)] == [b"7", b"1" + b"0" * 30, b'"a\\"b"', b"1.5", b"null"]

"""Lines from standard error."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mcpool.launch.stderr_lines import KEPT_LINES, MAX_LINE, StderrLines


@given(st.lists(st.binary(max_size=30).filter(lambda line: b"\n" not in line and b"\r" not in line)), st.data())
def test_chunks_do_not_matter(lines: list[bytes], data: st.DataObject) -> None:
    """However the stream is cut, the same lines come out."""
    stream = b"".join(line + b"\n" for line in lines)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=5)))
    reader = StderrLines()

    found: list[bytes] = []
    for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        found += reader.feed(stream[start:end])

    assert found == lines
    assert reader.end() == []


def test_last_words_are_the_last_lines_with_the_unfinished_one() -> None:
    """Blank lines say nothing."""
    reader = StderrLines()
    reader.feed(b"".join(b"line %d\n\n" % number for number in range(40)) + b"un")
    reader.feed(b"finished")

    assert reader.last_words().splitlines()[-2:] == ["line 39", "unfinished"]
    assert len(reader.last_words().splitlines()) <= KEPT_LINES


def test_endless_line_is_cut_and_does_not_grow() -> None:
    """What follows its end is a new line."""
    reader = StderrLines()
    for _ in range(5):
        assert reader.feed(b"x" * MAX_LINE) == []

    long, short = reader.feed(b"\nnext\n")

    assert long == b"x" * MAX_LINE + b" ... (line cut)"
    assert short == b"next"


def test_unfinished_line_ends_with_the_stream() -> None:
    """It may be the most telling one."""
    reader = StderrLines()
    reader.feed(b"oh no")

    assert reader.end() == [b"oh no"]
    assert reader.last_words() == "oh no"


def test_undecodable_bytes_are_replaced() -> None:
    """Last words are text."""
    reader = StderrLines()
    reader.feed(b"\xff!\r\n")

    assert reader.last_words() == "\ufffd!"

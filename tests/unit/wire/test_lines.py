"""Lines out of chunks."""

from __future__ import annotations

import tracemalloc

from hypothesis import given
from hypothesis import strategies as st

from mcpool.wire.lines import SAMPLE, Lines, Oversize


def collect(lines: Lines, chunks: list[bytes]) -> list[bytes | Oversize]:
    found = [line for chunk in chunks for line in lines.feed(chunk)]
    return [line if isinstance(line, Oversize) else line.rstrip(b"\n") for line in found]


def cut(data: bytes, cuts: list[int]) -> list[bytes]:
    ends = [*sorted(cut for cut in cuts if cut < len(data)), len(data)]
    return [data[start:end] for start, end in zip([0, *ends], ends, strict=False)]


@given(st.lists(st.binary(max_size=30).map(lambda line: line.replace(b"\n", b" "))), st.lists(st.integers(0, 300)))
def test_any_chunks_give_the_same_lines(content: list[bytes], cuts: list[int]) -> None:
    data = b"".join(line + b"\n" for line in content)

    assert collect(Lines(100), cut(data, cuts)) == content


@given(st.lists(st.integers(0, 60), max_size=10), st.lists(st.integers(0, 300)))
def test_lines_over_the_limit_are_marked_in_their_place(sizes: list[int], cuts: list[int]) -> None:
    data = b"".join(b"x" * size + b"\n" for size in sizes)

    lines = collect(Lines(30), cut(data, cuts))

    assert [line.size if isinstance(line, Oversize) else 0 for line in lines] == [
        size if size > 30 else 0 for size in sizes
    ]


def test_both_ends_of_an_oversize_line_are_kept_in_any_chunks() -> None:
    line = b"<" + b"a" * 20_000 + b">"
    for step in (1, 999, 50_000):
        data = line + b"\n"
        (found,) = collect(Lines(10_000), [data[i : i + step] for i in range(0, len(data), step)])

        assert isinstance(found, Oversize)
        assert (found.head[:2], len(found.head)) == (b"<a", SAMPLE)
        assert found.tail[-2:] == b"a>"


def test_what_is_left_at_the_end_is_handed_out_once() -> None:
    lines = Lines(100)
    lines.feed(b"a\nb")

    assert (lines.finish(), lines.finish()) == (b"b", None)


def test_an_oversize_rest_is_nothing() -> None:
    lines = Lines(10)
    lines.feed(b"x" * 11)

    assert lines.finish() is None


def test_a_line_in_crumbs_costs_about_what_it_holds() -> None:
    crumbs, lines = 100_000, Lines(1 << 20)
    tracemalloc.start()
    try:
        for number in range(crumbs):
            lines.feed(b"%02d" % (number % 100))
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert held < 4 * 2 * crumbs
    (line,) = lines.feed(b"\n")
    assert line == b"%s" % b"".join(b"%02d" % (number % 100) for number in range(crumbs))

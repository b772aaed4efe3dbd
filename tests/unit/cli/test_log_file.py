"""Reading logs: their end, what is added, and rotation in between."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from mcpool.cli.log_file import LogFile, rotated


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "git.log"


@pytest.fixture
def log(path: Path) -> Iterator[LogFile]:
    path.write_bytes(b"one\ntwo\nthree\n")
    with closing(LogFile(path)) as log:
        yield log


def add(path: Path, text: bytes) -> None:
    with path.open("ab") as file:
        file.write(text)


def rotate(path: Path) -> None:
    path.replace(rotated(path))


@pytest.mark.parametrize(
    ("count", "lines"), [(0, []), (1, [b"three"]), (3, [b"one", b"two", b"three"]), (9, [b"one", b"two", b"three"])]
)
def test_its_last_lines(log: LogFile, count: int, lines: list[bytes]):
    assert log.last(count) == lines


def test_more_than_it_has_come_from_the_log_before(log: LogFile, path: Path):
    rotated(path).write_bytes(b"a\nb\n")
    assert log.last(4) == [b"b", b"one", b"two", b"three"]


def test_what_is_added_follows_without_gap_or_repetition(log: LogFile, path: Path):
    assert log.last(1) == [b"three"]
    assert list(log.new()) == []
    add(path, b"four\nfive\n")
    assert list(log.new()) == [b"four", b"five"]
    assert list(log.new()) == []


def test_a_line_is_told_when_it_is_whole(log: LogFile, path: Path):
    log.last(0)
    add(path, b"fo")
    assert list(log.new()) == []
    add(path, b"ur\n")
    assert list(log.new()) == [b"four"]


def test_a_log_that_is_not_there_yet_is_followed_from_its_first_line(path: Path):
    with closing(LogFile(path)) as log:
        assert log.last(5) == []
        assert list(log.new()) == []
        add(path, b"one\n")
        assert list(log.new()) == [b"one"]


def test_nothing_is_lost_when_it_is_rotated(log: LogFile, path: Path):
    log.last(0)
    add(path, b"last of the old\n")
    rotate(path)
    add(path, b"first of the new\n")
    assert list(log.new()) == [b"last of the old", b"first of the new"]


def test_rotated_and_not_begun_anew_it_is_still_read(log: LogFile, path: Path):
    log.last(0)
    rotate(path)
    add(rotated(path), b"late\n")
    assert list(log.new()) == [b"late"]
    add(path, b"new\n")
    assert list(log.new()) == [b"new"]


def test_rotated_twice_between_two_looks_the_log_in_between_is_read_too(log: LogFile, path: Path):
    log.last(0)
    rotate(path)
    add(path, b"between\n")
    rotate(path)
    add(path, b"newest\n")
    assert list(log.new()) == [b"between", b"newest"]

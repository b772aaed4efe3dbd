"""What others may know of the running daemon."""

from __future__ import annotations

import stat
from dataclasses import replace
from pathlib import Path

import pytest

from mcpool.gateway.record import DaemonRecord, read_record

RECORD = DaemonRecord(7, "1.0", "http://127.0.0.1:1/mcp", "/s", "/t", 1.5, "/c.toml", 9)


def test_what_is_written_can_be_read(tmp_path: Path) -> None:
    RECORD.write(tmp_path)
    assert read_record(tmp_path) == RECORD


def test_it_is_for_the_user_alone(tmp_path: Path) -> None:
    RECORD.write(tmp_path)
    assert stat.S_IMODE((tmp_path / "daemon.json").stat().st_mode) == 0o600


def test_nothing_else_is_left_beside_it(tmp_path: Path) -> None:
    RECORD.write(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["daemon.json"]


def test_a_daemon_removes_its_own_only(tmp_path: Path) -> None:
    RECORD.write(tmp_path)
    replace(RECORD, pid=8).remove(tmp_path)
    assert read_record(tmp_path) == RECORD
    RECORD.remove(tmp_path)
    assert read_record(tmp_path) is None


@pytest.mark.parametrize("content", ["", "{", "[]", "7", '{"pid": 1}'])
def test_what_cannot_be_read_counts_as_none(tmp_path: Path, content: str) -> None:
    (tmp_path / "daemon.json").write_text(content)
    assert read_record(tmp_path) is None


def test_fields_of_a_later_version_do_no_harm(tmp_path: Path) -> None:
    RECORD.write(tmp_path)
    file = tmp_path / "daemon.json"
    file.write_text(file.read_text().replace("{", '{"new": 1,', 1))
    assert read_record(tmp_path) == RECORD

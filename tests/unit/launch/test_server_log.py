"""Log files of servers."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mcpool.launch.server_log import ServerLogs, log_name


async def test_lines_are_appended_in_order(tmp_path: Path) -> None:
    """To the file of their server."""
    logs = ServerLogs(tmp_path / "logs")
    for number in range(100):
        logs.append("a", [b"%d" % number])
        logs.append("b", [b"x", b"y"])
    await logs.close()

    assert logs.path("a").read_text().split() == [str(number) for number in range(100)]
    assert logs.path("b").read_text().split() == ["x", "y"] * 100


async def test_full_log_becomes_the_old_one(tmp_path: Path) -> None:
    """Two files at most."""
    logs = ServerLogs(tmp_path, rotate_at=100)
    for letter in (b"a", b"b", b"c"):
        logs.append("srv", [letter * 150])
        await logs.close()
    logs.append("srv", [b"d"])
    await logs.close()

    assert logs.path("srv").read_bytes() == b"d\n"
    assert (tmp_path / "srv.log.1").read_bytes() == b"c" * 150 + b"\n"
    assert sorted(os.listdir(tmp_path)) == ["srv.log", "srv.log.1"]


async def test_lines_too_many_for_the_disk_are_counted(tmp_path: Path) -> None:
    """Bounded, and nobody waits."""
    logs = ServerLogs(tmp_path, max_waiting=100)
    for _ in range(10):
        logs.append("srv", [b"x" * 49])
    await logs.close()
    logs.append("srv", [b"later"])
    await logs.close()

    text = logs.path("srv").read_text()
    assert text.count("x" * 49) == 2
    assert "--- 400 bytes were left out" in text
    assert "later" in text


async def test_disk_that_fails_is_said_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """And harms nobody."""
    (tmp_path / "logs").touch()
    logs = ServerLogs(tmp_path / "logs")
    for _ in range(3):
        logs.append("srv", [b"x"])
        await logs.close()

    assert len(caplog.records) == 1


@pytest.mark.parametrize(("server", "name"), [("git", "git.log"), ("my-server_2.0", "my-server_2.0.log")])
def test_log_is_named_after_its_server(server: str, name: str) -> None:
    """Where the name is a safe one."""
    assert log_name(server) == name


@pytest.mark.parametrize("server", ["../../etc/passwd", "", ".hidden", "a/b", "x" * 300, "日本"])
def test_unsafe_name_stays_in_the_folder(server: str) -> None:
    """And different from others."""
    name = log_name(server)

    assert "/" not in name
    assert not name.startswith(".")
    assert len(name) < 130
    assert name != log_name(server + "'")


@pytest.mark.parametrize("server", ["daemon", "defect"])
def test_log_of_a_server_is_never_one_of_ours(server: str) -> None:
    """Whatever the server is called."""
    assert log_name(server) not in ("daemon.log", "defect.log")

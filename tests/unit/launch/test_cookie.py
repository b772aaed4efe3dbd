"""Claims of hosts."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from mcpool.launch.cookie import HostCookie, container_clients, dead_hosts, forget, home_id, is_alive


def die(cookie: HostCookie) -> None:
    """Leave as a killed host does: the system closes its files."""
    cookie.let_go()


def test_home_keeps_its_id(tmp_path: Path) -> None:
    """Over restarts; another home has another, whatever its path."""
    assert home_id(tmp_path / "a") == home_id(tmp_path / "a") != home_id(tmp_path / "b")


def test_damaged_id_is_replaced(tmp_path: Path) -> None:
    """It must never match by accident."""
    (tmp_path / "id").write_text("")

    assert len(home_id(tmp_path)) == 16


def test_host_is_alive_while_it_holds_its_claim(tmp_path: Path) -> None:
    """Also when asked from the same process."""
    with HostCookie.claim(tmp_path) as cookie:
        assert is_alive(tmp_path, cookie.text)
        assert dead_hosts(tmp_path) == []

    assert not is_alive(tmp_path, cookie.text)
    assert dead_hosts(tmp_path) == []


def test_killed_host_is_dead_until_it_is_forgotten(tmp_path: Path) -> None:
    """Its file stays, unlocked."""
    cookie = HostCookie.claim(tmp_path)
    die(cookie)

    assert dead_hosts(tmp_path) == [cookie.text]
    forget(tmp_path, cookie.text)
    assert dead_hosts(tmp_path) == []


def test_container_programs_are_remembered_beyond_death(tmp_path: Path) -> None:
    """Each once, options included."""
    cookie = HostCookie.claim(tmp_path)
    for client in (["/bin/docker"], ["/bin/docker"], ["/bin/docker", "--context", "far away"]):
        cookie.remember_container(client)
    die(cookie)

    assert container_clients(tmp_path, cookie.text) == [("/bin/docker",), ("/bin/docker", "--context", "far away")]


def test_forked_child_does_not_keep_a_dead_host_alive(tmp_path: Path) -> None:
    """It shares the lock unless it lets go."""
    cookie = HostCookie.claim(tmp_path)
    up_read, up_write = os.pipe()
    stay_read, stay_write = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(stay_write)
        os.write(up_write, b".")
        os.read(stay_read, 1)
        os._exit(0)
    os.read(up_read, 1)
    die(cookie)
    alive = is_alive(tmp_path, cookie.text)
    for handle in (up_read, up_write, stay_read, stay_write):
        os.close(handle)
    os.waitpid(child, 0)

    assert not alive


def test_claims_are_private(tmp_path: Path) -> None:
    """The folder and the files in it."""
    with HostCookie.claim(tmp_path / "home") as cookie:
        record = tmp_path / "home" / "hosts" / cookie.text.partition(".")[2]
        assert [path.stat().st_mode & 0o777 for path in (record.parent, record)] == [0o700, 0o600]


def test_claims_that_come_and_go_leave_nothing_to_do_after_a_fork(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is to be done there can't be taken back."""

    def one_more(**what: Callable[[], None]) -> None:
        pytest.fail(f"one more: {what}")

    with HostCookie.claim(tmp_path):
        monkeypatch.setattr(os, "register_at_fork", one_more)
        HostCookie.claim(tmp_path).close()

"""Where the daemon of a home is found."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from mcpool.config.home import home_dir
from mcpool.errors import DaemonError
from mcpool.rendezvous import NoDaemon, check_socket_folder, home_path, join, socket_path


@pytest.mark.parametrize(
    "environ",
    [
        {"MCPOOL_HOME": "/a/b"},
        {"MCPOOL_HOME": "a/../b"},
        {"MCPOOL_HOME": "~/x", "HOME": "/h"},
        {"MCPOOL_HOME": "", "HOME": "/h"},
        {},
    ],
)
def test_the_home_is_the_one_that_the_configuration_reads(environ: dict[str, str]) -> None:
    assert home_path(environ) == str(home_dir(environ))


def test_the_socket_lies_in_the_home() -> None:
    assert socket_path("/home/ann/.mcpool") == "/home/ann/.mcpool/daemon.sock"


def test_given_a_long_home_the_socket_lies_under_tmp_in_a_folder_of_the_user() -> None:
    path = socket_path("/" + "long" * 40)
    assert path.startswith(f"/tmp/mcpool-{os.getuid()}/")
    assert len(path) <= 100


def test_two_long_homes_have_two_sockets() -> None:
    assert socket_path("/" + "a" * 200) != socket_path("/" + "b" * 200)


def test_a_folder_that_others_may_write_to_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o777)
    with pytest.raises(DaemonError, match="chmod 700"):
        check_socket_folder(str(tmp_path / "daemon.sock"))


def test_a_link_in_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir(stat.S_IRWXU)
    (tmp_path / "link").symlink_to(tmp_path / "real")
    with pytest.raises(DaemonError, match="folder of your own"):
        check_socket_folder(str(tmp_path / "link" / "daemon.sock"))


@pytest.mark.parametrize("leftover", [False, True])
def test_without_a_daemon_joining_says_so(tmp_path: Path, leftover: bool) -> None:
    if leftover:
        import socket

        with socket.socket(socket.AF_UNIX) as sock:
            sock.bind(str(tmp_path / "daemon.sock"))
    with pytest.raises(NoDaemon):
        join(str(tmp_path), cwd="/")

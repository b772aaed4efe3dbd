"""Starting a daemon: once, detached, and with a reason when it can't."""

from __future__ import annotations

import sys
import textwrap
import threading
from pathlib import Path

import pytest

from mcpool.errors import DaemonError
from mcpool.gateway import starting
from mcpool.gateway.starting import daemon_environment, join_or_start
from mcpool.rendezvous import join, socket_path

# Plays a daemon: leaves a trace of having been started, serves hellos until it has seen as many as it is told.
DAEMON = """
import os, socket, sys
if os.fork(): os._exit(0)
home, path, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
with open(home + "/started", "a") as file: file.write("x")
with open(home + "/environ", "w") as file: file.write(repr(dict(os.environ)))
sock = socket.socket(socket.AF_UNIX)
sock.bind(path); sock.listen(64)
from mcpool.gateway.starting import report_ready
report_ready()
kept = []
for _ in range(count):
    peer, _ = sock.accept()
    kept.append(peer)
    peer.recv(65536)
    peer.sendall(b'{"mcpool":1,"version":"0","ok":true}\\n')
os.unlink(path)
"""


def command(home: Path, count: int) -> list[str]:
    return [sys.executable, "-c", DAEMON, str(home), socket_path(str(home)), str(count)]


def failing(code: str) -> list[str]:
    return [sys.executable, "-c", "import os\nif os.fork(): os._exit(0)\n" + textwrap.dedent(code)]


def test_many_who_want_a_daemon_at_once_start_one(tmp_path: Path) -> None:
    joined: list[object] = []

    def want() -> None:
        sock, _ = join_or_start({"MCPOOL_HOME": str(tmp_path)}, cwd="/", command=command(tmp_path, 8))
        joined.append(sock)
        sock.close()

    threads = [threading.Thread(target=want) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(joined) == 8
    assert (tmp_path / "started").read_text() == "x"


def test_a_socket_left_by_a_killed_daemon_is_no_obstacle(tmp_path: Path) -> None:
    import socket

    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind(str(tmp_path / "daemon.sock"))
    replaced = command(tmp_path, 1)
    replaced[2] = replaced[2].replace("sock.bind(path)", "os.unlink(path); sock.bind(path)")
    join_or_start({"MCPOOL_HOME": str(tmp_path)}, cwd="/", command=replaced).sock.close()


def test_the_daemon_learns_nothing_of_what_only_its_starter_has_set(tmp_path: Path) -> None:
    environ = {"MCPOOL_HOME": str(tmp_path), "PATH": "/bin", "AWS_SECRET": "s", "LC_ALL": "C", "PYTHONPATH": "/x"}
    assert daemon_environment(environ, str(tmp_path)) == {
        "MCPOOL_HOME": str(tmp_path),
        "PATH": "/bin",
        "LC_ALL": "C",
    }


def test_a_daemon_that_ends_while_starting_is_reported_with_its_last_words_and_the_log(tmp_path: Path) -> None:
    with pytest.raises(DaemonError, match=r"ended while it was starting: no luck; see .*logs/daemon\.log"):
        join_or_start({"MCPOOL_HOME": str(tmp_path)}, cwd="/", command=failing("import sys; sys.exit('no luck')"))


def test_a_daemon_that_says_why_it_cannot_start_is_quoted(tmp_path: Path) -> None:
    code = "from mcpool.gateway.starting import report_ready; report_ready('port 8377 is taken')"
    with pytest.raises(DaemonError, match=r"^port 8377 is taken$"):
        join_or_start({"MCPOOL_HOME": str(tmp_path)}, cwd="/", command=failing(code))


def test_a_daemon_that_does_not_get_ready_in_time_is_an_error_that_names_the_log(tmp_path: Path) -> None:
    # It waits for the test's end of a pipe, so that it does not outlive the test.
    code = "import select; select.select([3], [], [3], 5)"
    with pytest.raises(DaemonError, match=r"was not ready within 0 s; see .*daemon\.log"):
        join_or_start({"MCPOOL_HOME": str(tmp_path)}, cwd="/", command=failing(code), timeout=0.2)


def test_a_log_that_has_grown_long_is_put_aside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(starting, "LOG_LIMIT", 10)
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "daemon.log").write_text("a longer log")
    join_or_start({"MCPOOL_HOME": str(tmp_path)}, cwd="/", command=command(tmp_path, 1)).sock.close()
    assert (tmp_path / "logs" / "daemon.log.1").read_text() == "a longer log"
    assert (tmp_path / "logs" / "daemon.log").read_text() == ""


def test_a_joined_daemon_outlives_its_starter_and_serves_the_next(tmp_path: Path) -> None:
    join_or_start({"MCPOOL_HOME": str(tmp_path)}, cwd="/", command=command(tmp_path, 2)).sock.close()
    join(str(tmp_path), cwd="/").sock.close()
    assert (tmp_path / "started").read_text() == "x"

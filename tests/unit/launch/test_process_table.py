"""Whose process is whose."""

from __future__ import annotations

import os
import signal
import subprocess

from mcpool.launch.process_table import ProcessRow, look, members, scan, send_signal


def row(pid: int, *, group: int = 1, session: int = 1, mark: bool = False) -> ProcessRow:
    """A process as it might be."""
    return ProcessRow(pid, 1, group, session, 100, (b"MCPOOL_SERVER=m",) if mark else ())


def found(*rows: ProcessRow, groups: tuple[int, ...] = ()) -> list[int]:
    """The ids of those that are ours."""
    return [one.pid for one in members(rows, lambda one: one.carries("MCPOOL_SERVER", "m"), groups)]


def test_process_with_the_mark_is_ours() -> None:
    """Wherever it is."""
    assert found(row(5), row(6, group=6, session=6, mark=True)) == [6]


def test_process_in_a_known_group_or_session_is_ours() -> None:
    """Even with a cleared environment."""
    assert found(row(5, group=9), row(6, session=9), row(7), groups=(9,)) == [5, 6]


def test_all_of_a_session_led_by_a_marked_process_is_ours() -> None:
    """Some programs overwrite the environments of their helpers."""
    assert found(row(9, session=9, mark=True), row(10, group=10, session=9)) == [9, 10]


def test_session_with_a_marked_member_is_not_ours() -> None:
    """The member may have been handed its environment by a client of ours."""
    assert found(row(9, session=9), row(10, session=9, mark=True)) == [10]


def test_mark_is_compared_as_a_whole() -> None:
    """A longer value or another name is something else."""
    one = ProcessRow(5, 1, 1, 1, 100, (b"MCPOOL_SERVER=mm", b"XMCPOOL_SERVER=m"))

    assert not one.carries("MCPOOL_SERVER", "m")
    assert one.value("MCPOOL_SERVER") == "mm"


def test_scan_finds_a_child_by_its_environment_and_not_the_scanner() -> None:
    """Zombies are dead."""
    child = subprocess.Popen(
        ["/bin/cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={"PROBE": "1"}, start_new_session=True
    )
    assert child.stdin is not None
    assert child.stdout is not None
    try:
        # Its environment can be read once it runs, which is a moment after it was started.
        child.stdin.write(b"ready\n")
        child.stdin.flush()
        child.stdout.readline()
        rows = {one.pid: one for one in scan()}
        assert rows[child.pid].carries("PROBE", "1")
        assert (rows[child.pid].group, rows[child.pid].session) == (child.pid, child.pid)
        assert os.getpid() not in rows

        child.kill()
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        assert child.pid not in {one.pid for one in scan()}
        assert look(child.pid) is None
    finally:
        child.communicate()


def test_signal_does_not_reach_another_process_of_the_same_number() -> None:
    """The start tells them apart."""
    child = subprocess.Popen(["/bin/cat"], stdin=subprocess.PIPE)
    try:
        seen = look(child.pid)
        assert seen is not None
        other = ProcessRow(seen.pid, seen.parent, seen.group, seen.session, seen.started - 1, None)

        assert not send_signal(other, signal.SIGKILL)
        assert send_signal(seen, signal.SIGTERM)
        assert child.wait() == -signal.SIGTERM
        assert not send_signal(seen, signal.SIGKILL)
    finally:
        child.communicate()

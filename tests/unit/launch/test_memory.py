"""The memory of process groups."""

from __future__ import annotations

import subprocess
import sys

import pytest

from mcpool.launch.memory import memory_of, parse_rollup

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux has /proc")

CHATTY_CHILD = (
    "import subprocess, sys; child = subprocess.Popen([sys.executable, '-c', 'input()']); "
    "print(flush=True); child.wait()"
)


def test_the_fields_of_the_kernel_are_in_bytes():
    text = "55d0-7ffd ---p 00000000 00:00 0    [rollup]\nRss:    1024 kB\nPss:     512 kB\nPss_Anon:  4 kB\n"
    assert parse_rollup(text) == {"Rss": 1024 * 1024, "Pss": 512 * 1024, "Pss_Anon": 4096}


def test_all_processes_of_a_group_count_and_no_others():
    with subprocess.Popen(
        [sys.executable, "-c", CHATTY_CHILD], stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
    ) as leader:
        assert leader.stdout is not None
        leader.stdout.readline()
        found = memory_of({leader.pid})
        assert list(found) == [leader.pid]
        memory = found[leader.pid]
        assert memory.processes == 2
        assert memory.pss is not None
        assert 0 < memory.pss <= memory.rss
        leader.communicate()


def test_who_is_gone_is_left_out():
    with subprocess.Popen([sys.executable, "-c", ""], start_new_session=True) as gone:
        gone.wait()
        assert memory_of({gone.pid}) == {}


def test_nobody_asked_for_is_nobody_measured():
    assert memory_of(()) == {}

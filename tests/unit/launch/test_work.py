"""How much the processes of a server have worked."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest

from mcpool.launch.work import work_of

linux = pytest.mark.skipif(sys.platform != "linux", reason="the system does not tell")


def burn(seconds: float) -> None:
    until = time.process_time() + seconds
    while time.process_time() < until:
        pass


@linux
def test_it_grows_with_the_processor_time_that_is_used() -> None:
    before = work_of(os.getpid())
    burn(0.1)
    assert work_of(os.getpid()) - before >= 8


@linux
def test_a_process_that_waits_does_not_work() -> None:
    with subprocess.Popen(["sleep", "60"], stdout=subprocess.DEVNULL) as process:
        try:
            before = work_of(process.pid)
            burn(0.05)
            assert work_of(process.pid) - before < 2
        finally:
            process.kill()


@linux
def test_descendants_count_also_those_of_a_wrapper_that_only_waits() -> None:
    busy = f'{sys.executable} -c "import sys; print(flush=True)\nwhile True: pass"; :'
    with subprocess.Popen(["sh", "-c", busy], stdout=subprocess.PIPE, start_new_session=True) as process:
        try:
            assert process.stdout is not None
            process.stdout.readline()
            before = work_of(process.pid)
            until = time.monotonic() + 30
            while work_of(process.pid) - before < 5:
                assert time.monotonic() < until
                time.sleep(0.01)
        finally:
            os.killpg(process.pid, 9)


def test_a_process_that_is_gone_has_not_worked() -> None:
    with subprocess.Popen(["true"]) as process:
        process.wait()
    assert work_of(process.pid) == 0

"""However the host ends, nothing that it started outlives it. Real processes throughout."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mcpool.launch.cookie import HostCookie, dead_hosts
from mcpool.launch.sweep import sweep
from support.reports import STUBBORN as SERVER
from support.reports import Reports

HOST = ("host", "warden")
StartHost = Callable[[str], subprocess.Popen[bytes]]


@pytest.fixture
def start_host(tmp_path: Path, reports: Reports, stubborn: tuple[str, ...]) -> Iterator[StartHost]:
    """Starts a host with a stubborn server and waits until all of it is up."""
    hosts: list[subprocess.Popen[bytes]] = []

    def start(how: str) -> subprocess.Popen[bytes]:
        program = str(Path(__file__).with_name("host_program.py"))
        host = subprocess.Popen(
            [sys.executable, program, str(tmp_path / "home"), str(reports.path), how, *stubborn],
            stdin=subprocess.PIPE,
            stderr=subprocess.PIPE,
            # A home without a login shell's leftovers, and no cookie of whoever runs the tests.
            env={"PATH": os.environ["PATH"]},
        )
        hosts.append(host)
        reports.wait_for(*HOST, *SERVER)
        return host

    yield start
    for host in hosts:
        host.kill()
        host.communicate()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_host_ended_by_a_signal_takes_all_descendants_along(
    number: signal.Signals, start_host: StartHost, reports: Reports
) -> None:
    """P1: the warden ends servers that ignore SIGTERM, call `setsid`, fork twice or cleared their environment."""
    start_host("stay").send_signal(number)

    reports.wait_until_gone(*SERVER, *HOST)


def test_exception_in_the_host_ends_all_before_the_host_is_gone(start_host: StartHost, reports: Reports) -> None:
    """Leaving the launcher's context is enough: the warden, which gives them a grace, comes too late to help."""
    host = start_host("raise")

    host.communicate(b"now\n")

    assert not reports.living(*SERVER, "warden")


def test_host_and_warden_survive_the_death_of_the_other_part_only(start_host: StartHost, reports: Reports) -> None:
    """A killed warden is replaced and nothing else changes; the new one then does what the old one would have done."""
    host = start_host("stay")

    os.kill(reports.pids["warden"], signal.SIGKILL)
    reports.wait_for("warden-1")
    untouched = reports.living("host", *SERVER)
    host.kill()

    assert untouched == {"host", *SERVER}
    reports.wait_until_gone(*SERVER, "warden-1")


def test_warden_ignores_the_signals_that_end_a_terminal_session(start_host: StartHost, reports: Reports) -> None:
    """Ctrl-C, a hang-up or a `kill` of everything in sight leaves it in office."""
    host = start_host("stay")
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        os.kill(reports.pids["warden"], number)

    host.kill()

    reports.wait_until_gone(*SERVER)


async def test_next_start_sweeps_what_host_and_warden_left_when_both_were_killed(
    tmp_path: Path, start_host: StartHost, reports: Reports
) -> None:
    """Only what carries the cookie can be found then."""
    home, found_by_cookie = tmp_path / "home", ("server", "child", "setsid", "forked-twice")
    host = start_host("stay")
    os.kill(reports.pids["warden"], signal.SIGSTOP)
    host.kill()
    reports.wait_until_gone("host")
    os.kill(reports.pids["warden"], signal.SIGKILL)
    reports.wait_until_gone("warden")
    left = reports.living(*found_by_cookie)

    swept = await sweep(home, {}, grace=0.1)

    assert left == set(found_by_cookie)
    assert set(swept.ended) >= {reports.pids[name] for name in found_by_cookie}
    assert not swept.left
    assert not reports.living(*found_by_cookie)
    assert not dead_hosts(home)


async def test_sweep_leaves_the_processes_of_a_living_host_alone(
    tmp_path: Path, start_host: StartHost, reports: Reports
) -> None:
    """Several hosts may share a home."""
    start_host("stay")

    swept = await sweep(tmp_path / "home", {}, grace=0.1)

    assert not swept.ended
    assert reports.living(*HOST, *SERVER) == {*HOST, *SERVER}


async def test_sweep_leaves_the_processes_of_another_home_alone(
    tmp_path: Path, start_host: StartHost, reports: Reports
) -> None:
    """A home's id is in the cookie."""
    start_host("stay")
    with HostCookie.claim(tmp_path / "other"):
        swept = await sweep(tmp_path / "other", {}, grace=0.1)

    assert not swept.ended
    assert reports.living(*SERVER) == set(SERVER)

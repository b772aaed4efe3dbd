"""The unit that a process is in, by its control groups."""

from __future__ import annotations

import os
import sys

import pytest

from mcpool.launch.systemd_unit import unit_in, unit_of

USER = "/user.slice/user-1000.slice/user@1000.service"


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        (f"0::{USER}/app.slice/mcp.service\n", "mcp.service"),
        (f"0::{USER}/app.slice/mcp.service/inner\n", "mcp.service"),
        (f"0::{USER}/app.slice/app-gnome-code-7.scope\n", "app-gnome-code-7.scope"),
        (f"0::{USER}\n", ""),
        ("0::/user.slice/user-1000.slice/session-3.scope\n", "session-3.scope"),
        ("0::/system.slice/cron.service\n", "cron.service"),
        ("4:memory:/a.service\n1:name=systemd:/system.slice/b.service\n0::/\n", "b.service"),
        ("0::/\n", ""),
        ("0::/odd:name/c.service\n", "c.service"),
        ("nonsense\n", ""),
        ("", ""),
    ],
)
def test_the_innermost_unit_counts(text: str, unit: str) -> None:
    assert unit_in(text) == unit


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has control groups")
def test_the_system_tells_of_living_processes_only() -> None:
    assert unit_of(os.getpid()) is not None
    assert unit_of(2**30) is None

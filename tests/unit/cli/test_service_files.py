"""The files by which a system runs the daemon."""

from __future__ import annotations

import plistlib
import shutil
import subprocess
from pathlib import Path

import pytest

from mcpool.cli.service_files import LABEL, MARK, launch_agent, systemd_unit

ODD = '/srv/100% "mine"/a $b\\c'


def test_a_unit_runs_the_command_with_its_variables() -> None:
    lines = systemd_unit(["/usr/bin/mcpool", "up"], {"MCPOOL_HOME": "/srv/pool"}).splitlines()
    assert 'ExecStart="/usr/bin/mcpool" "up"' in lines
    assert 'Environment="MCPOOL_HOME=/srv/pool"' in lines
    assert MARK in lines[0]


def test_in_a_unit_nothing_is_read_as_something_else() -> None:
    text = systemd_unit([ODD], {"MCPOOL_HOME": ODD})
    assert r'ExecStart="/srv/100%% \"mine\"/a $$b\\c"' in text
    assert r'Environment="MCPOOL_HOME=/srv/100%% \"mine\"/a $b\\c"' in text


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not here")
def test_systemd_accepts_the_unit(tmp_path: Path) -> None:
    file = tmp_path / "mcpool.service"
    file.write_text(systemd_unit(["/bin/sh", "up"], {"MCPOOL_HOME": ODD}))
    done = subprocess.run(
        ["systemd-analyze", "--user", "verify", str(file)],
        capture_output=True,
        text=True,
        env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "XDG_RUNTIME_DIR": str(tmp_path)},
    )
    if "Failed to initialize" in done.stderr:
        pytest.skip("systemd cannot look at units here")
    assert (done.returncode, done.stderr) == (0, "")


def test_a_launch_agent_runs_the_command_with_its_variables() -> None:
    text = launch_agent(["/usr/local/bin/mcpool", "up"], {"MCPOOL_HOME": ODD}, "/tmp/service.log")
    agent = plistlib.loads(text.encode())
    assert agent["Label"] == LABEL
    assert agent["ProgramArguments"] == ["/usr/local/bin/mcpool", "up"]
    assert agent["EnvironmentVariables"] == {"MCPOOL_HOME": ODD}
    assert (agent["RunAtLoad"], agent["KeepAlive"]) == (True, {"SuccessfulExit": False})
    assert MARK in text


def test_a_launch_agent_without_variables_names_none() -> None:
    assert "EnvironmentVariables" not in plistlib.loads(launch_agent(["x"], {}, "y").encode())

"""`mcpool service` with programs in the place of systemctl and launchctl that write down how they are called."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from mcpool.cli import client_names, commands, service
from mcpool.cli.client_names import here
from support.mcpool_home import McpoolHome, wait_gone

PROGRAM = """\
#!/bin/sh
echo "$(basename "$0") $*" >> "$HOME/calls"
case "$*" in *"$(cat "$HOME/refuses" 2>/dev/null || echo nothing)"*) echo "it refuses" >&2; exit 1;; esac
case "$*" in *is-active*) exit "$(cat "$HOME/active" 2>/dev/null || echo 0)";; esac
"""


class System:
    """A machine with systemd or launchd."""

    def __init__(self, home: Path, said: Callable[[], str]) -> None:
        self.home = home
        self._said = said

    def run(self, action: str) -> tuple[int, str]:
        code = commands.run(["service", action])
        return code, self._said()

    def refuses(self, word: str) -> None:
        (self.home / "refuses").write_text(word)

    @property
    def calls(self) -> list[str]:
        file = self.home / "calls"
        return file.read_text().splitlines() if file.exists() else []


@pytest.fixture
def system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> System:
    for name in ("systemctl", "launchctl"):
        program = tmp_path / "bin" / name
        program.parent.mkdir(exist_ok=True)
        program.write_text(PROGRAM)
        program.chmod(0o755)
    for name in ("MCPOOL_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    monkeypatch.setattr(service, "here", lambda: replace(here(), platform="linux"))
    return System(tmp_path, lambda: "".join(capfd.readouterr()))


def unit(system: System) -> Path:
    return system.home / ".config/systemd/user/mcpool.service"


def test_the_unit_is_written_and_enabled_and_that_is_told(system: System) -> None:
    code, said = system.run("install")
    assert code == 0, said
    assert system.calls == ["systemctl --user daemon-reload", "systemctl --user enable --now mcpool.service"]
    assert str(unit(system)) in said
    assert "ran systemctl --user enable --now mcpool.service" in said
    assert "ExecStart=" in unit(system).read_text()


def test_uninstalling_undoes_it(system: System) -> None:
    system.run("install")
    code, said = system.run("uninstall")
    assert code == 0
    assert system.calls[-2:] == ["systemctl --user disable --now mcpool.service", "systemctl --user daemon-reload"]
    assert not unit(system).exists()
    assert "removed" in said
    assert "not installed" in system.run("uninstall")[1]


def test_installing_again_changes_nothing(system: System) -> None:
    system.run("install")
    code, said = system.run("install")
    assert (code, "already" in said) == (0, True)


def test_somebody_elses_unit_stays(system: System) -> None:
    unit(system).parent.mkdir(parents=True)
    unit(system).write_text("[Service]\nExecStart=/mine\n")
    assert system.run("install")[0] == 2
    assert system.run("uninstall")[0] == 2
    assert "is not mcpool's" in system.run("status")[1]
    assert unit(system).read_text() == "[Service]\nExecStart=/mine\n"


def test_what_was_edited_is_kept(system: System) -> None:
    system.run("install")
    edited = unit(system).read_text() + "# mine\n"
    unit(system).write_text(edited)
    system.run("uninstall")
    assert unit(system).with_name("mcpool.service.bak").read_text() == edited


def test_a_system_that_refuses_is_quoted(system: System) -> None:
    system.refuses("enable")
    code, said = system.run("install")
    assert code == 3
    assert "systemctl --user enable --now mcpool.service: it refuses" in said
    assert "`mcpool service install` does the rest" in said


def test_without_the_systems_program_the_file_is_written_and_the_command_told(
    system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(system.home))
    code, said = system.run("install")
    assert (code, unit(system).exists()) == (3, True)
    assert "systemctl is not here" in said
    assert "`mcpool service install` does the rest" in said


def test_status_says_what_is_there_and_what_runs(system: System) -> None:
    (system.home / "active").write_text("4")
    code, said = system.run("status")
    assert code == 3
    assert ("not installed" in said, "systemctl says" in said) == (True, False)
    system.run("install")
    (system.home / "active").write_text("3")
    assert "systemctl says that it does not run" in system.run("status")[1]
    (system.home / "active").write_text("0")
    code, said = system.run("status")
    assert code == 0
    assert "systemctl says that it runs" in said


def test_what_cannot_be_asked_says_nothing(system: System, monkeypatch: pytest.MonkeyPatch) -> None:
    system.run("install")
    system.refuses("--user")
    code, said = system.run("status")
    assert (code, "systemctl says" in said) == (3, False)
    assert "whether it runs is not known: systemctl: it refuses" in said
    monkeypatch.setenv("PATH", str(system.home))
    assert "whether it runs is not known: systemctl is not here" in system.run("status")[1]


def test_what_does_not_listen_is_complained_of_once(system: System) -> None:
    system.run("install")
    system.refuses("--user")
    code, said = system.run("uninstall")
    assert (code, unit(system).exists()) == (0, False)
    assert said.count("it refuses") == 1


def test_where_the_systems_program_is_missing_it_is_just_removed(
    system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    system.run("install")
    monkeypatch.setenv("PATH", str(system.home))
    assert system.run("uninstall") == (0, f"removed {unit(system)}\n")


def test_on_macos_it_is_a_launch_agent(system: System, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "here", lambda: replace(client_names.here(), platform="darwin"))
    file = system.home / "Library/LaunchAgents/dev.mcpool.daemon.plist"
    assert system.run("install")[0] == 0
    assert system.calls == [f"launchctl bootstrap gui/{os.getuid()} {file}"]
    assert system.run("uninstall")[0] == 0
    assert system.calls[-1] == f"launchctl bootout gui/{os.getuid()}/dev.mcpool.daemon"
    assert not file.exists()


def test_a_daemon_that_runs_makes_room(system: System, mcpool: McpoolHome, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MCPOOL_HOME", str(mcpool.path))
    mcpool.run("up", "--detach")
    pid = mcpool.record()["pid"]
    code, said = system.run("install")
    assert code == 0
    assert f"ended the daemon that ran (pid {pid})" in said
    assert f'Environment="MCPOOL_HOME={mcpool.path}"' in unit(system).read_text()
    wait_gone(pid)

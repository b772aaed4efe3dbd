"""`mcpool service`: the system runs the daemon from login on."""

from __future__ import annotations

import os
import shutil
import subprocess
from argparse import Namespace
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mcpool.cli.client_names import here
from mcpool.cli.control import ask_daemon
from mcpool.cli.exit_codes import OK, UNAVAILABLE
from mcpool.cli.install import lasting_launch
from mcpool.cli.screen import Screen
from mcpool.cli.service_files import LABEL, MARK, UNIT, launch_agent, systemd_unit
from mcpool.config.home import ensure_home
from mcpool.config.writing import swap
from mcpool.errors import ConfigError
from mcpool.gateway.home_lock import HomeLock
from mcpool.rendezvous import NoDaemon, home_path

_PATIENCE = 30.0
"""Seconds that the system's program may take, and a daemon to end."""


@dataclass(frozen=True, slots=True)
class _Kind:
    """How one system does it. Commands are tried in order."""

    file: Path
    text: str
    program: str
    notice: Sequence[Sequence[str]]
    """Has the system see that the file came or went."""
    enable: Sequence[Sequence[str]]
    disable: Sequence[Sequence[str]]
    active: Sequence[str]
    """Succeeds if it runs."""
    inactive: frozenset[int]
    """How that ends if it does not run; otherwise it could not be found out."""


def _kind() -> _Kind:
    launch = lasting_launch()
    command = [launch.command, *launch.args[:-1], "up"]
    environ = dict(launch.env)
    place = here()
    if place.platform == "darwin":
        file = place.home / "Library/LaunchAgents" / f"{LABEL}.plist"
        log = os.path.join(home_path(os.environ), "logs", "service.log")
        domain = f"gui/{os.getuid()}"
        return _Kind(
            file,
            launch_agent(command, environ, log),
            "launchctl",
            notice=[],
            enable=[["bootstrap", domain, str(file)]],
            disable=[["bootout", f"{domain}/{LABEL}"]],
            active=["print", f"{domain}/{LABEL}"],
            inactive=frozenset({113}),
        )
    return _Kind(
        place.config / "systemd/user" / UNIT,
        systemd_unit(command, environ),
        "systemctl",
        notice=[["--user", "daemon-reload"]],
        enable=[["--user", "enable", "--now", UNIT]],
        disable=[["--user", "disable", "--now", UNIT]],
        active=["--user", "is-active", "--quiet", UNIT],
        inactive=frozenset({3, 4}),
    )


def install(arguments: Namespace) -> int:
    """Write the file, and have the system run the daemon, now and from every login on."""
    screen, kind = Screen(), _kind()
    home = ensure_home(Path(home_path(os.environ)))
    before = _written(kind.file)
    if before == kind.text and _runs(kind):
        screen.line(f"it is installed and runs already ({kind.file})", "green")
        return OK
    if before is not None and MARK not in before:
        raise ConfigError([f"{kind.file}: is there and is not mcpool's; move it away, and try again"])
    if before is not None and before != kind.text:
        _keep(kind.file, screen)
    (home / "logs").mkdir(mode=0o700, exist_ok=True)
    swap(kind.file, kind.text.encode())
    screen.line(f"wrote {kind.file}")
    if before is not None and _runs(kind):
        _tell(kind, kind.disable, screen)
    if not _tell(kind, kind.notice, screen):
        return _half_way(screen)
    _end_daemon(home, screen)
    if not _tell(kind, kind.enable, screen):
        return _half_way(screen)
    screen.line("mcpool runs now, and from every login on", "green")
    if kind.program == "systemctl":
        screen.line("`loginctl enable-linger` lets it run without a login, too; its log: `journalctl --user -u mcpool`")
    return OK


def _half_way(screen: Screen) -> int:
    screen.line(
        "mcpool is not run from login on yet: once that works, `mcpool service install` does the rest", "yellow"
    )
    return UNAVAILABLE


def uninstall(arguments: Namespace) -> int:
    """End it, and take the file away."""
    screen, kind = Screen(), _kind()
    before = _written(kind.file)
    if before is None:
        screen.line(f"it is not installed: {kind.file} does not exist")
        return OK
    if MARK not in before:
        raise ConfigError([f"{kind.file}: is not mcpool's, and stays"])
    there = shutil.which(kind.program) is not None
    told = there and _tell(kind, kind.disable, screen)
    if before != kind.text:
        _keep(kind.file, screen)
    kind.file.unlink(missing_ok=True)
    screen.line(f"removed {kind.file}", "green")
    if told:
        _tell(kind, kind.notice, screen)
    elif there:
        for command in kind.notice:
            _call(kind, command)  # that the system does not listen was said
    return OK


def status(arguments: Namespace) -> int:
    """Say whether it is installed, and runs; exit code 3 if it does not run."""
    screen, kind = Screen(), _kind()
    before, (active, unknown) = _written(kind.file), _state(kind)
    if before is None:
        screen.line(f"not installed: {kind.file} does not exist; `mcpool service install` makes it")
    elif MARK not in before:
        screen.line(f"{kind.file} is not mcpool's", "yellow")
    else:
        differs = "" if before == kind.text else " (not as this mcpool would write it: `mcpool service install` does)"
        screen.line(f"installed: {kind.file}{differs}")
    if before is not None and unknown:
        screen.line(f"whether it runs is not known: {unknown}", "yellow")
    elif before is not None or active:
        screen.line(f"{kind.program} says that it {'runs' if active else 'does not run'}", "green" if active else "")
    try:
        screen.line(f"the daemon of this home runs (pid {ask_daemon('status')['pid']})")
    except NoDaemon:
        screen.line("no daemon of this home runs")
    return OK if active else UNAVAILABLE


def _written(file: Path) -> str | None:
    try:
        return file.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return None


def _keep(file: Path, screen: Screen) -> None:
    kept = file.with_name(f"{file.name}.bak")
    swap(kept, file.read_bytes())
    screen.line(f"it was edited, or written by another mcpool: what it was is in {kept}")


def _runs(kind: _Kind) -> bool:
    return _state(kind)[0]


def _state(kind: _Kind) -> tuple[bool, str]:
    """Whether it runs, and why that is not known if it is not."""
    if shutil.which(kind.program) is None:
        return False, f"{kind.program} is not here"
    code, complaint = _call(kind, kind.active)
    return code == 0, "" if code == 0 or code in kind.inactive else f"{kind.program}: {complaint}"


def _tell(kind: _Kind, commands: Sequence[Sequence[str]], screen: Screen) -> bool:
    """Run the system's program, saying what; False if it is not there or refuses."""
    for command in commands:
        shown = " ".join([kind.program, *command])
        if shutil.which(kind.program) is None:
            screen.line(f"{kind.program} is not here; on a machine that has it: {shown}", "yellow")
            return False
        code, complaint = _call(kind, command)
        if code != 0:
            screen.line(f"{shown}: {complaint}", "yellow")
            return False
        screen.line(f"ran {shown}")
    return True


def _call(kind: _Kind, command: Sequence[str]) -> tuple[int | None, str]:
    """How it ended, None if it did not, and what it complains of if that was not well."""
    try:
        done = subprocess.run(
            [kind.program, *command],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_PATIENCE,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return None, str(error)
    if done.returncode == 0:
        return 0, ""
    return done.returncode, (done.stderr or done.stdout).strip() or f"exit code {done.returncode}"


def _end_daemon(home: Path, screen: Screen) -> None:
    """Make room for the one that the system starts."""
    try:
        pid = ask_daemon("stop")["pid"]
    except NoDaemon:
        return
    with HomeLock.take(home, timeout=_PATIENCE):
        screen.line(f"ended the daemon that ran (pid {pid}); its clients join the next one")

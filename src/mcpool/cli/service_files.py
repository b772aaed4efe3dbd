"""The file by which a system runs the daemon: a systemd unit, or a launch agent. Pure."""

from __future__ import annotations

import plistlib
from collections.abc import Mapping, Sequence

UNIT = "mcpool.service"
LABEL = "dev.mcpool.daemon"
MARK = "written by `mcpool service install`"
"""By this a file is known as ours."""


def systemd_unit(command: Sequence[str], environ: Mapping[str, str]) -> str:
    """A user unit (systemd.service(5)) that runs `command`."""
    lines = [
        f"# {MARK}; `mcpool service uninstall` removes it",
        "[Unit]",
        "Description=mcpool: one set of MCP servers for all clients",
        "",
        "[Service]",
        f"ExecStart={' '.join(_quoted(word).replace('$', '$$') for word in command)}",
        *(f"Environment={_quoted(f'{name}={value}')}" for name, value in environ.items()),
        "Restart=on-failure",
        "RestartSec=5",
        "# The daemon ends its servers itself; what is left then is killed.",
        "KillMode=mixed",
        "TimeoutStopSec=30",
        "",
        "[Install]",
        "WantedBy=default.target",
    ]
    return "\n".join(lines) + "\n"


def launch_agent(command: Sequence[str], environ: Mapping[str, str], log: str) -> str:
    """A property list (launchd.plist(5)) that runs `command` and has it write to `log`."""
    agent: dict[str, object] = {
        "Label": LABEL,
        "ProgramArguments": list(command),
        "RunAtLoad": True,
        "KeepAlive": {"SuccessfulExit": False},
        "ExitTimeOut": 30,
        "StandardOutPath": log,
        "StandardErrorPath": log,
        **({"EnvironmentVariables": dict(environ)} if environ else {}),
    }
    text = plistlib.dumps(agent, sort_keys=False).decode()
    return text.replace("<plist ", f"<!-- {MARK}; `mcpool service uninstall` removes it -->\n<plist ", 1)


def _quoted(word: str) -> str:
    """As systemd.syntax(7) reads it back; `%` would begin a specifier. (In a command `$` is special, too.)"""
    escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("\n", "\\n")
    return f'"{escaped}"'

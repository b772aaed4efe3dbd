"""The variables that the user's login shell sets: what a terminal has and a process started elsewhere lacks."""

from __future__ import annotations

import asyncio
import os
import pwd
import secrets
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field

from mcpool.launch.own_python import own_python
from mcpool.launch.process_output import process_output
from mcpool.launch.process_table import HOST_COOKIE, SERVER_COOKIE

SECONDS = 5.0
"""How long the shell may take in all."""

_OWN_OR_MEANINGLESS = frozenset({"_", "SHLVL", "PWD", "OLDPWD", HOST_COOKIE, SERVER_COOKIE})
_COERCED = ("LC_CTYPE", "C.UTF-8")
"""Set by the interpreter that prints the variables, where the locale is C."""
# Without quotes and backslashes, so that in single quotes it means the same to every shell.
_PRINT = (
    "import os,sys;m=sys.argv[1].encode();"
    "os.write(1,m+bytes(1).join(k+bytes([61])+v for k,v in os.environb.items())+m[::-1])"
)


@dataclass(frozen=True, slots=True)
class LoginShell:
    """What the login shell said."""

    shell: str
    variables: dict[str, str] = field(default_factory=dict[str, str], repr=False)
    problem: str | None = None
    """Why `variables` is empty, as a sentence; None if all went well."""


@dataclass(frozen=True, slots=True)
class Account:
    """The user that this process runs as, as the system's user database has it."""

    name: str
    home: str
    shell: str


def own_account() -> Account | None:
    """The account of this process, None where the user has no entry (as in many containers)."""
    try:
        entry = pwd.getpwuid(os.geteuid())
    except KeyError:
        return None
    return Account(entry.pw_name, entry.pw_dir, entry.pw_shell)


async def ask_login_shell(
    environ: Mapping[str, str], *, seconds: float = SECONDS, account: Account | None = None, cookie: str = ""
) -> LoginShell:
    """Start `$SHELL` (else the account's shell) as a login shell and take its variables. Never raises, never hangs.

    The shell starts from `environ`, with HOME, USER, LOGNAME and SHELL filled in from `account`. Whatever it started
    is ended when it has answered, and when it has not; by the host's `cookie` also if this host is killed meanwhile.
    """
    start = {name: value for name, value in environ.items() if name not in _OWN_OR_MEANINGLESS}
    if account is not None:
        for name, value in (("HOME", account.home), ("USER", account.name), ("LOGNAME", account.name)):
            start[name] = start.get(name) or value
    shell = environ.get("SHELL") or (account.shell if account else "") or "/bin/sh"
    start["SHELL"] = shell
    start["PATH"] = start.get("PATH") or os.defpath
    # The second is for a framework that would otherwise ask, or update itself, as the shell is interactive.
    only_here = {"TERM": start.get("TERM") or "dumb", "DISABLE_AUTO_UPDATE": "true", HOST_COOKIE: cookie}.items()
    only_here -= start.items()
    start |= dict(only_here)
    cwd = _existing(start.get("HOME", "/"))
    loop = asyncio.get_running_loop()
    deadline = loop.time() + seconds
    problem = ""
    for options in _ways(shell):
        left = deadline - loop.time()
        if left <= 0:
            break
        marker = f"<{secrets.token_hex(16)}>"
        output = await process_output(
            [shell, *options, _command(marker)],
            env=start,
            cwd=cwd,
            seconds=left,
            until=marker[::-1].encode(),
            mark=secrets.token_hex(8),
        )
        if (variables := _between(output.stdout, marker.encode())) is not None:
            said = variables.items() - only_here - {_COERCED}
            return LoginShell(shell, {name: value for name, value in said if name not in _OWN_OR_MEANINGLESS})
        problem = output.problem or f"{shell} ended without having run the command it was given"
        if output.status is None:
            break
    return LoginShell(shell, problem=f"the variables of your login shell are unknown: {problem}")


def _ways(shell: str) -> list[list[str]]:
    """Interactive as well where possible: many people set their PATH in a file that only such a shell reads."""
    if os.path.basename(shell) in ("csh", "tcsh"):
        return [["-c"]]
    return [["-l", "-i", "-c"], ["-l", "-c"], ["-c"]]


def _command(marker: str) -> str:
    # Not `env -0`: an old one can't, and a shell may have its own. No `exec` either: not every shell has it.
    return f"{shlex.quote(own_python())} -I -S -c '{_PRINT}' '{marker}'"


def _existing(folder: str) -> str:
    return folder if os.path.isdir(folder) else "/"


def _between(output: bytes, marker: bytes) -> dict[str, str] | None:
    _, first, rest = output.partition(marker)
    inner, second, _ = rest.partition(marker[::-1])
    if not first or not second:
        return None
    pairs = (pair.partition(b"=") for pair in inner.split(b"\0"))
    return {os.fsdecode(name): os.fsdecode(value) for name, _, value in pairs if name}

"""The variables that the user's login shell sets: what a terminal has and a background process started elsewhere lacks."""

from __future__ import annotations

import asyncio
import os
import pwd
import secrets
import shlex
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field

from mcpool.launch.process_output import process_output

SECONDS = 5.0
"""How long the shell may take in all."""

_OWN_OR_MEANINGLESS = frozenset({"_", "SHLVL", "PWD", "OLDPWD", "MCPOOL_HOST", "MCPOOL_SERVER"})
_PRINT = "import os,sys;m=sys.argv[1].encode();os.write(1,m+b'\\0'.join(k+b'='+v for k,v in os.environb.items())+m)"


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
    environ: Mapping[str, str], *, seconds: float = SECONDS, account: Account | None = None
) -> LoginShell:
    """Start `$SHELL` (else the account's shell) as a login shell and take its variables. Never raises, never hangs.

    The shell starts from `environ`, with HOME, USER, LOGNAME and SHELL filled in from `account`. Whatever it started
    in its session is ended when it has answered, and when it has not.
    """
    start = {name: value for name, value in environ.items() if name not in _OWN_OR_MEANINGLESS}
    if account is not None:
        for name, value in (("HOME", account.home), ("USER", account.name), ("LOGNAME", account.name)):
            start[name] = start.get(name) or value
    shell = environ.get("SHELL") or (account.shell if account else "") or "/bin/sh"
    start["SHELL"] = shell
    start["TERM"] = start.get("TERM") or "dumb"
    start["PATH"] = start.get("PATH") or os.defpath
    # Rc files of frameworks that would otherwise ask or update when they see an interactive shell.
    start["DISABLE_AUTO_UPDATE"] = "true"
    home = start.get("HOME", "/")
    cwd = home if os.path.isdir(home) else "/"

    loop = asyncio.get_running_loop()
    deadline = loop.time() + seconds
    problem = ""
    for options in _ways(shell):
        left = deadline - loop.time()
        if left <= 0:
            break
        marker = f"<{secrets.token_hex(16)}>"
        output = await process_output(
            [shell, *options, _command(marker)], env=start, cwd=cwd, seconds=left, until=marker.encode()
        )
        if (variables := _between(output.stdout, marker.encode())) is not None:
            return LoginShell(shell, {k: v for k, v in variables.items() if k not in _OWN_OR_MEANINGLESS})
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
    # Not `env -0`: an old one can't, and a shell may have its own. Quoted like this any shell understands it, and an
    # `exec` would not run in all of them.
    return f"{shlex.quote(sys.executable)} -I -S -c {_quoted(_PRINT)} {_quoted(marker)}"


def _quoted(text: str) -> str:
    return f'"{text}"' if "'" in text else f"'{text}'"


def _between(output: bytes, marker: bytes) -> dict[str, str] | None:
    _, first, rest = output.partition(marker)
    inner, second, _ = rest.partition(marker)
    if not first or not second:
        return None
    pairs = (pair.partition(b"=") for pair in inner.split(b"\0"))
    return {os.fsdecode(name): os.fsdecode(value) for name, _, value in pairs if name}

"""The environment of servers: little, the same whoever started the host, and with the user's own PATH."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from mcpool.launch.command import find_command
from mcpool.launch.dotenv import Dotenv, read_dotenv
from mcpool.launch.login_shell import SECONDS, Account, LoginShell, ask_login_shell, own_account

__all__ = [
    "CA_VARIABLES",
    "INHERITED",
    "BaseEnvironment",
    "Dotenv",
    "LoginShell",
    "base_environment",
    "find_command",
    "inherited",
    "login_environment",
    "read_dotenv",
]

CA_VARIABLES = (
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "NODE_EXTRA_CA_CERTS",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "PIP_CERT",
    "GIT_SSL_CAINFO",
    "AWS_CA_BUNDLE",
)
"""Where programs look for the certificates they trust: without them nothing works behind a company's proxy."""

INHERITED = (
    "HOME",
    "LOGNAME",
    "PATH",
    "SHELL",
    "USER",
    "__CF_USER_TEXT_ENCODING",
    "LANG",
    "LC_ALL",
    "TERM",
    "TMPDIR",
    "TZ",
    *CA_VARIABLES,
)
"""What every server gets without being configured."""


@dataclass(frozen=True, slots=True)
class BaseEnvironment:
    """Where the variables of servers come from, gathered once per host."""

    inherited: dict[str, str]
    """What every server gets: the variables of `INHERITED`."""
    lookup: dict[str, str] = field(repr=False)
    """All that a configuration may name: `env_vars`, `${NAME}` and the like."""
    problems: tuple[str, ...] = ()
    """What could not be read, and what was taken instead."""


def inherited(environ: Mapping[str, str]) -> dict[str, str]:
    """Those variables of `environ` that every server gets."""
    return {name: environ[name] for name in INHERITED if name in environ}


async def login_environment(environ: Mapping[str, str], timeout: float = SECONDS) -> dict[str, str]:
    """The variables of the user's login shell, or `environ` if it gives none within `timeout` seconds.

    `ask_login_shell` tells in addition why it gave none.
    """
    answer = await ask_login_shell(environ, seconds=timeout, account=own_account())
    return dict(environ) if answer.problem else answer.variables


async def base_environment(
    environ: Mapping[str, str],
    home: Path,
    *,
    login: bool = True,
    seconds: float = SECONDS,
    account: Account | None = None,
    cookie: str = "",
) -> BaseEnvironment:
    """Gather the variables for servers: from the login shell, then those of `home/.env`, which win.

    With `login=False`, and if the shell gives no answer within `seconds`, `environ` takes the shell's place.
    `account` is this process's own unless given; `cookie` is the host's, if it has one already. Never raises for what
    it finds.
    """
    account = account or own_account()
    variables = dict(environ)
    problems: list[str] = []
    if login:
        # Only what any program gets: the rest of `environ` belongs to whoever happened to start us.
        answer = await ask_login_shell(inherited(environ), seconds=seconds, account=account, cookie=cookie)
        if answer.problem is None:
            variables = answer.variables
        else:
            problems.append(f"{answer.problem}; using those that this process was started with")
    if account is not None:
        for name, value in (("HOME", account.home), ("USER", account.name), ("LOGNAME", account.name)):
            variables.setdefault(name, value)
    variables.setdefault("PATH", os.defpath)
    dotenv = read_dotenv(home / ".env")
    variables |= dotenv.variables
    return BaseEnvironment(inherited(variables), variables, (*problems, *dotenv.problems))

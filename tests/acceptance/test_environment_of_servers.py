"""What servers get of the environment: the user's, by the login shell, and nothing of whoever started the daemon."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from support.mcpool_home import McpoolHome
from support.real_servers import odd

STARTER = {"PATH": "/usr/bin:/bin", "SECRET_OF_THE_STARTER": "sk-not-for-servers", "NODE_OPTIONS": "--bad"}

# Without its first options: /etc/profile would set the PATH again.
_NOT_A_LOGIN_SHELL = 'while [ "$1" != -c ]; do shift; done'


def facts(mcpool: McpoolHome) -> dict[str, Any]:
    """What the odd server says of its process; this starts a daemon in the background."""
    done = mcpool.run("call", "odd", "facts")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture
def tools(tmp_path: Path) -> Path:
    """A folder with an `npx` that runs the odd server."""
    command = odd(tmp_path / "record")
    folder = tmp_path / "tools"
    folder.mkdir()
    npx = folder / "npx"
    npx.write_text(f'#!/bin/sh\nexec "{command["command"]}" {" ".join(command["args"])}\n')
    npx.chmod(0o755)
    return folder


def by_profile(tmp_path: Path, tools: Path) -> dict[str, str]:
    """A user whose profile makes the PATH."""
    user = tmp_path / "user"
    user.mkdir()
    (user / ".profile").write_text(f'PATH="{tools}:$PATH"\nexport PATH\nexport FROM_PROFILE=yes\n')
    return {"HOME": str(user), "SHELL": "/bin/sh"}


def by_shell(tmp_path: Path, tools: Path) -> dict[str, str]:
    """A user whose shell is a program of his own."""
    shell = tmp_path / "shell"
    shell.write_text(
        f'#!/bin/sh\nexport PATH="{tools}:$PATH" FROM_PROFILE=yes\n{_NOT_A_LOGIN_SHELL}\nexec /bin/sh "$@"\n'
    )
    shell.chmod(0o755)
    return {"SHELL": str(shell), "HOME": str(tmp_path)}


@pytest.mark.parametrize("user", [by_profile, by_shell])
def test_npx_that_only_the_login_shell_knows_is_found(
    mcpool: McpoolHome, tmp_path: Path, tools: Path, user: Any
) -> None:
    """The daemon starts with an empty environment and a minimal PATH, as a desktop program would start it."""
    mcpool.configure_servers(odd={"command": "npx", "args": ["--offline", "some-server"], "env_vars": ["FROM_PROFILE"]})
    mcpool.environ = {"PATH": "/usr/bin:/bin", "MCPOOL_HOME": str(mcpool.path), **user(tmp_path, tools)}
    env = facts(mcpool)["env"]
    assert env["PATH"].startswith(f"{tools}:")
    assert env["FROM_PROFILE"] == "yes"


@pytest.mark.parametrize("background", [False, True], ids=["foreground", "background"])
def test_nothing_of_the_starter_goes_to_servers(mcpool: McpoolHome, tmp_path: Path, background: bool) -> None:
    mcpool.configure_servers(odd={**odd(tmp_path / "record"), "cwd": str(tmp_path), "env": {"OWN": "set by the file"}})
    mcpool.environ = {**STARTER, "MCPOOL_HOME": str(mcpool.path), "HOME": str(tmp_path), "SHELL": "/bin/sh"}
    if not background:
        mcpool.up().ready()
    env = facts(mcpool)["env"]
    assert env["OWN"] == "set by the file"
    assert not {"SECRET_OF_THE_STARTER", "NODE_OPTIONS", "MCPOOL_HOME"} & env.keys()


def test_shell_that_hangs_or_fails_is_no_obstacle(mcpool: McpoolHome, tmp_path: Path) -> None:
    mcpool.configure_servers(odd={**odd(tmp_path / "record"), "cwd": str(tmp_path)})
    mcpool.environ = {**STARTER, "MCPOOL_HOME": str(mcpool.path), "HOME": str(tmp_path), "SHELL": "/bin/false"}
    assert facts(mcpool)["cwd"] == str(tmp_path)


def test_variables_of_the_home_win_and_are_of_the_home_alone(mcpool: McpoolHome, tmp_path: Path) -> None:
    """`.env` in the home is where a user puts what no shell sets."""
    (mcpool.path / ".env").write_text("FROM_PROFILE=from .env\nUNUSED=not asked for\n")
    mcpool.configure_servers(odd={**odd(tmp_path / "record"), "env_vars": ["FROM_PROFILE"]})
    env = facts(mcpool)["env"]
    assert env["FROM_PROFILE"] == "from .env"
    assert "UNUSED" not in env

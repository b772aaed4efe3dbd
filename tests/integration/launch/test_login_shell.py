"""Variables from a real login shell, whatever its start files do."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from mcpool.launch.command import find_command
from mcpool.launch.environment import base_environment
from mcpool.launch.login_shell import Account, ask_login_shell
from mcpool.launch.process_table import scan

MINIMAL_PATH = "/usr/bin:/bin"
BASH = shutil.which("bash") or "/bin/bash"
WriteProfile = Callable[[str], Account]


@pytest.fixture
def write_profile(tmp_path: Path) -> WriteProfile:
    """A user whose login shell is bash and reads this."""

    def write(text: str) -> Account:
        (tmp_path / ".bash_profile").write_text(text)
        return Account("someone", str(tmp_path), BASH)

    return write


async def test_program_known_only_to_the_login_shell_is_found_from_an_empty_environment(
    tmp_path: Path, write_profile: WriteProfile
) -> None:
    """Must hold: started by whatever starts it, the daemon finds the user's `npx`."""
    node = tmp_path / "node" / "bin"
    node.mkdir(parents=True)
    (node / "npx").write_text("#!/bin/sh\n")
    (node / "npx").chmod(0o755)
    account = write_profile('PATH="$HOME/node/bin:$PATH"')

    base = await base_environment({"PATH": MINIMAL_PATH}, tmp_path, account=account)

    assert base.problems == ()
    assert find_command("npx", MINIMAL_PATH, "/") != str(node / "npx")
    assert find_command("npx", base.inherited["PATH"], "/") == str(node / "npx")


async def test_noise_and_odd_values_do_no_harm(write_profile: WriteProfile) -> None:
    """Start files print greetings; values may hold line ends and equals signs."""
    account = write_profile("echo Welcome; echo Hello >&2; export ODD=$'a=b\\nc'; stty -echo")

    answer = await ask_login_shell({"PATH": MINIMAL_PATH}, account=account)

    assert answer.problem is None
    assert answer.variables["ODD"] == "a=b\nc"


async def test_only_the_users_own_variables_come_back(write_profile: WriteProfile) -> None:
    """Nothing of the asking itself: neither what was set for it nor what interpreters add."""
    answer = await ask_login_shell({"PATH": MINIMAL_PATH}, account=write_profile("export MINE=1"))

    assert {"HOME", "USER", "LOGNAME", "SHELL", "PATH", "MINE"} <= answer.variables.keys()
    assert not answer.variables.keys() & {"_", "SHLVL", "PWD", "TERM", "DISABLE_AUTO_UPDATE", "MCPOOL_HOST", "LC_CTYPE"}


@pytest.mark.parametrize("shell", ["sh", "dash", "bash", "zsh", "fish", "tcsh"])
async def test_common_shells_answer(shell: str, tmp_path: Path) -> None:
    """Their options and quoting differ."""
    path = shutil.which(shell)
    if path is None:
        pytest.skip(f"{shell} is not installed")

    answer = await ask_login_shell({"PATH": MINIMAL_PATH}, account=Account("someone", str(tmp_path), path))

    assert answer.problem is None
    assert answer.variables["HOME"] == str(tmp_path)


async def test_shell_that_hangs_is_ended_with_all_that_it_started(write_profile: WriteProfile) -> None:
    """The host goes on with what it was started with, and says why."""
    account = write_profile("export PROBE=hanging-shell; setsid sleep 1000 & sleep 1000")

    base = await base_environment({"PATH": MINIMAL_PATH, "MINE": "1"}, Path("/nowhere"), account=account, seconds=0.5)

    assert base.lookup["MINE"] == "1"
    assert len(base.problems) == 1
    assert "did not finish within 0.5 s; using those that this process was started with" in base.problems[0]
    assert not [row for row in scan() if row.carries("PROBE", "hanging-shell")]


async def test_a_start_file_that_is_interrupted_can_give_back_its_lock(
    tmp_path: Path, write_profile: WriteProfile
) -> None:
    lock = tmp_path / "lock"
    account = write_profile(f"""sh -c 'touch {lock}; trap "rm {lock}; exit" TERM; sleep 1000 & wait'""")

    answer = await ask_login_shell({"PATH": MINIMAL_PATH}, account=account, seconds=1.0)

    assert answer.problem is not None
    assert not lock.exists()


async def test_what_a_shell_left_in_the_background_is_ended(write_profile: WriteProfile) -> None:
    """Even if it holds the output open and has a session of its own."""
    account = write_profile("export PROBE=background; setsid sleep 1000 & sleep 1000 &")

    answer = await ask_login_shell({"PATH": MINIMAL_PATH}, account=account)

    assert answer.problem is None
    assert not [row for row in scan() if row.carries("PROBE", "background")]


async def test_shell_that_does_not_exist_is_named() -> None:
    """As a value."""
    answer = await ask_login_shell({"SHELL": "/nowhere/shell"})

    assert answer.variables == {}
    assert answer.problem is not None
    assert "/nowhere/shell could not be started: No such file or directory" in answer.problem


async def test_dotenv_of_the_home_wins(tmp_path: Path, write_profile: WriteProfile) -> None:
    """It can name secrets, and mend the PATH."""
    (tmp_path / ".env").write_text("TOKEN=t\nPATH=/opt/bin\nnonsense\n")

    base = await base_environment({}, tmp_path, account=write_profile("export TOKEN=other"))

    assert base.lookup["TOKEN"] == "t"
    assert "TOKEN" not in base.inherited
    assert base.inherited["PATH"] == "/opt/bin"
    assert [problem.split(": ")[0] for problem in base.problems] == [f"{tmp_path}/.env:3"]


async def test_variables_of_whoever_started_the_host_do_not_reach_servers(
    tmp_path: Path, write_profile: WriteProfile
) -> None:
    """They differ from start to start."""
    base = await base_environment({"PATH": MINIMAL_PATH, "STRAY": "1"}, tmp_path, account=write_profile(""))

    assert "STRAY" not in base.lookup

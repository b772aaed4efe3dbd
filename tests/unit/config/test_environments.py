"""`environments.toml`: what it means, and what is said of what is wrong with it."""

from __future__ import annotations

from pathlib import Path

import pytest

from mcpool.config import load
from mcpool.config.environments import EnvironmentConfig, load_environments
from mcpool.config.problem import Problem
from mcpool.config.server import Stdio


def read(folder: Path, text: str) -> tuple[tuple[EnvironmentConfig, ...], tuple[Problem, ...]]:
    file = folder / "environments.toml"
    file.write_text(text)
    file.chmod(0o600)
    return load_environments(file, {"TOKEN": "from-variable"}, secret={"box": "from-keyring"}.get)


def test_without_a_file_there_are_none(tmp_path: Path) -> None:
    assert load_environments(tmp_path / "environments.toml", {}) == ((), ())


def test_everything_that_can_be_said_of_one(tmp_path: Path) -> None:
    found, problems = read(
        tmp_path,
        """
        [environments.box]
        url = "wss://box.example/exec"
        token = "${TOKEN}"
        headers = { X-Team = "${keyring:box}" }
        connect_timeout_sec = 3
        resume_timeout_sec = 0.5
        """,
    )
    headers = (("Authorization", "Bearer from-variable"), ("X-Team", "from-keyring"))
    assert found == (EnvironmentConfig("box", "wss://box.example/exec", headers, 3.0, 0.5),)
    assert problems == ()


def test_secrets_are_in_no_repr(tmp_path: Path) -> None:
    (found,), _ = read(tmp_path, '[environments.box]\nurl = "ws://127.0.0.1:1/secret-path"\ntoken = "secret-token"\n')
    assert "secret" not in repr(found)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[environments.box]", ':1: environments.box: has no `url`; add url = "ws://'),
        ('[environments.box]\nurl = "http://a"', ":2: environments.box.url: is not a ws or wss URL; write it whole"),
        ('[environments.box]\nurl = "ws://:1"', ":2: environments.box.url: is not a URL that can be reached"),
        ('[environments.box]\nurl = "ws://a:99999"', ":2: environments.box.url: is not a URL"),
        ("[environments.box]\nurl = 5", ":2: environments.box.url: must be text, not"),
        ('[environments.box]\nurl = "ws://${NONE}"', ":2: environments.box.url: the variable `NONE` is not set"),
        ('[environments.local]\nurl = "ws://a"', ":1: environments.local: is a name that has a meaning already"),
        ('[environments."a b"]\nurl = "ws://a"', ':1: environments."a b": is not a name for an environment'),
        ("[environments]\nbox = 1", ":2: environments.box: must be a table, not"),
        ("environments = 1", ":1: environments: must be a table, not"),
        ("[environments.box", ":1: is not valid TOML"),
        (
            '[environments.box]\nurl = "ws://a"\nresume_timeout_sec = 26',
            ":3: environments.box.resume_timeout_sec: is too long",
        ),
    ],
)
def test_what_is_wrong_is_said_with_its_place_and_left_out(tmp_path: Path, text: str, said: str) -> None:
    other = "" if text.startswith("environments") else '[environments.other]\nurl = "ws://127.0.0.1:1"\n'
    found, problems = read(tmp_path, f"{text}\n{other}")
    assert str(problems[0]).startswith(f"{tmp_path}/environments.toml{said}")
    assert [one.id for one in found] in (["other"], [])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[environments.box]\nurl = "ws://a"\nurls = "x"', "is not a key of an environment and has no effect; did you"),
        ('[environment.box]\nurl = "ws://a"', "is not a table of this file and has no effect; did you mean"),
        ('[environments.box]\nurl = "ws://box.example"\ntoken = "x"', "sends the token where others can read it"),
    ],
)
def test_what_is_odd_is_said_and_used_all_the_same(tmp_path: Path, text: str, said: str) -> None:
    _, (problem,) = read(tmp_path, text)
    assert problem.severity == "warning"
    assert said in str(problem)


def test_a_token_in_a_file_for_all_is_said(tmp_path: Path) -> None:
    file = tmp_path / "environments.toml"
    file.write_text('[environments.box]\nurl = "ws://127.0.0.1:1"\ntoken = "plain"\n')
    file.chmod(0o644)
    tmp_path.chmod(0o755)
    _, (problem,) = load_environments(file, {})
    assert "in a file that other users can read" in problem.message


def test_the_paths_of_a_server_elsewhere_are_left_as_they_are_written(tmp_path: Path) -> None:
    entry = {"command": "~/bin/serve", "cwd": "work", "environment_id": "box"}
    config = load({"mcpServers": {"srv": entry}}, home=tmp_path, environ={"HOME": "/home/me"})
    (server,) = config.servers
    assert server.transport == Stdio("~/bin/serve", cwd="work")

"""What to paste into which client."""

from __future__ import annotations

import json
import sys
import tomllib
from pathlib import Path

import pytest

from mcpool.cli.paste_lines import ShimCommand, shim_command, snippets

PLAIN = ShimCommand("mcpool")
OWN_HOME = ShimCommand("/opt/m/mcpool", (), (("MCPOOL_HOME", "/srv/my home"),))


def text_for(client: str, servers: list[str], shim: ShimCommand = PLAIN) -> str:
    return next(snippet.text for snippet in snippets(servers, shim) if client in snippet.client)


def test_claude_code_gets_a_command_per_server() -> None:
    assert text_for("Claude Code", ["demo", "git"]) == (
        "claude mcp add demo -- mcpool connect demo\nclaude mcp add git -- mcpool connect git"
    )


def test_a_home_of_its_own_goes_along_quoted() -> None:
    assert text_for("Claude Code", ["demo"], OWN_HOME) == (
        "claude mcp add demo -e 'MCPOOL_HOME=/srv/my home' -- /opt/m/mcpool connect demo"
    )


@pytest.mark.parametrize("server", ["demo", "a.b", 'quo"te', "ünï"])
@pytest.mark.parametrize("shim", [PLAIN, OWN_HOME])
def test_codex_gets_toml_that_says_the_same(server: str, shim: ShimCommand) -> None:
    entry = tomllib.loads(text_for("Codex", [server], shim))["mcp_servers"][server]
    assert (entry["command"], entry["args"], entry.get("env", {})) == (
        shim.command,
        ["connect", server],
        dict(shim.env),
    )


@pytest.mark.parametrize(("client", "key"), [("Cursor", "mcpServers"), ("VS Code", "servers")])
def test_json_clients_get_one_entry_per_server(client: str, key: str) -> None:
    assert json.loads(text_for(client, ["a", "b"])) == {
        key: {name: {"command": "mcpool", "args": ["connect", name]} for name in ("a", "b")}
    }


def _script(folder: Path) -> Path:
    folder.mkdir()
    script = folder / "mcpool"
    script.write_text("")
    script.chmod(0o755)
    return script


def test_the_program_on_the_path_is_called_by_its_name(tmp_path: Path) -> None:
    script = _script(tmp_path / "bin")
    assert shim_command({"PATH": str(script.parent)}, str(script)) == ShimCommand("mcpool")


def test_a_program_that_is_not_on_the_path_is_called_by_its_path(tmp_path: Path) -> None:
    script = _script(tmp_path / "bin")
    assert shim_command({"PATH": "/nonexistent"}, str(script)) == ShimCommand(str(script))


def test_another_mcpool_on_the_path_is_not_taken_for_this_one(tmp_path: Path) -> None:
    ours, other = _script(tmp_path / "a"), _script(tmp_path / "b")
    assert shim_command({"PATH": str(other.parent)}, str(ours)).command == str(ours)


def test_run_as_a_module_it_is_called_as_one() -> None:
    assert shim_command({}, "/x/mcpool/__main__.py") == ShimCommand(sys.executable, ("-m", "mcpool"))


def test_a_chosen_home_is_passed_on_as_an_absolute_path() -> None:
    assert shim_command({"MCPOOL_HOME": "/srv/../home"}, "x").env == (("MCPOOL_HOME", "/home"),)

"""`mcpool install` and `uninstall`, with copies of real files of each client in a home folder of their own."""

from __future__ import annotations

import json
import os
import stat
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from mcpool.cli import commands
from mcpool.cli import install as installing
from mcpool.clients import target
from support.mcpool_home import McpoolHome
from unit.clients.files import CLAUDE_CODE, CLAUDE_DESKTOP, CURSOR, FORMS, SAMPLES

PLACES = {
    "claude-code": ".claude.json",
    "claude-desktop": ".config/Claude/claude_desktop_config.json",
    "codex": ".codex/config.toml",
    "cursor": ".cursor/mcp.json",
    "vscode": ".config/Code/User/mcp.json",
    "gemini": ".gemini/settings.json",
    "zed": ".config/zed/settings.json",
    "opencode": ".config/opencode/opencode.json",
}
OURS = '[mcp_servers.mine]\ncommand = "mine"\ncwd = "/"\n'


class User:
    """Somebody's home folder, and what `mcpool` says there."""

    def __init__(self, home: Path, said: Callable[[], str]) -> None:
        self.home = home
        self.pool = home / ".mcpool"
        self._said = said

    def has(self, client: str, text: str) -> Path:
        file = self.home / PLACES[client]
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text.encode())
        return file

    def run(self, *arguments: str) -> tuple[int, str]:
        code = commands.run(arguments)
        return code, self._said()

    def servers(self) -> dict[str, dict[str, object]]:
        return tomllib.loads((self.pool / "config.toml").read_text()).get("mcp_servers", {})

    def tokens(self) -> list[str]:
        folder = self.pool / "tokens"
        return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


@pytest.fixture
def user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> User:
    for name in ("MCPOOL_HOME", "XDG_CONFIG_HOME", "CODEX_HOME", "CLAUDE_CONFIG_DIR", "OPENCODE_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    user = User(tmp_path, lambda: "".join(capfd.readouterr()))
    user.pool.mkdir(mode=0o700)
    (user.pool / "config.toml").write_text(OURS)
    return user


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("sample", SAMPLES)
def test_what_goes_in_comes_out_byte_for_byte(user: User, sample: str, form: str) -> None:
    client, text = SAMPLES[sample]
    file = user.has(client, FORMS[form](text))
    before = file.read_bytes()
    code, said = user.run("install", client, "--yes")
    assert code == 0, said
    assert b"connect" in file.read_bytes()
    code, said = user.run("uninstall", client, "--yes")
    assert (code, file.read_bytes()) == (0, before), said
    assert "byte for byte" in said


def test_a_clients_servers_become_ours_under_their_names(user: User) -> None:
    file = user.has("claude-code", CLAUDE_CODE)
    user.run("install", "claude-code", "--yes")
    assert set(user.servers()) == {"mine", "git", "sentry", "db"}
    entries = json.loads(file.read_text())["mcpServers"]
    assert set(entries) == {"git", "sentry", "old", "mine", "db"}
    assert entries["git"]["args"][-2:] == ["connect", "git"]
    assert Path(entries["git"]["command"]).is_absolute()


def test_the_diff_is_shown_first_and_nothing_is_written_without_a_yes(user: User) -> None:
    file = user.has("cursor", CURSOR)
    code, said = user.run("install", "cursor", "--dry-run")
    assert code == 0
    assert '-\t\t"linear": { "url": "https://mcp.linear.app/mcp", },' in said
    assert '"connect", "linear"' in said
    code, said = user.run("install", "cursor")
    assert code == 2
    assert "--yes" in said
    assert file.read_text() == CURSOR
    assert (user.pool / "config.toml").read_text() == OURS
    assert not (user.pool / "clients").exists()


def test_secrets_are_in_no_diff(user: User) -> None:
    file = user.has("claude-desktop", CLAUDE_DESKTOP)
    _, said = user.run("install", "claude-desktop", "--yes")
    assert "ghp_" not in said
    assert "***" in said
    assert "ghp_" not in file.read_text()
    assert "ghp_" not in user.run("uninstall", "claude-desktop", "--yes")[1]
    assert "ghp_" in file.read_text()


def test_several_clients_at_once_share_what_is_the_same(user: User) -> None:
    user.has("cursor", CURSOR)
    user.has("codex", SAMPLES["codex"][1])
    user.has("gemini", SAMPLES["gemini"][1])
    code, said = user.run("install", "cursor", "codex", "gemini", "--yes")
    assert code == 0, said
    assert "git" in user.servers()
    assert user.run("uninstall", "--all", "--yes")[0] == 0
    assert (user.home / PLACES["cursor"]).read_text() == CURSOR


def test_a_file_that_was_not_there_goes_again(user: User) -> None:
    assert user.run("install", "cursor", "--yes")[0] == 0
    file = user.home / ".cursor/mcp.json"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert list(json.loads(file.read_text())["mcpServers"]) == ["mine"]
    user.run("uninstall", "cursor", "--yes")
    assert not file.exists()


def test_once_more_takes_over_what_came_since_and_still_comes_out_as_it_was(user: User) -> None:
    file = user.has("gemini", SAMPLES["gemini"][1])
    user.run("install", "gemini", "--yes")
    installed = file.read_bytes()
    code, said = user.run("install", "gemini", "--yes")
    assert (code, file.read_bytes()) == (0, installed)
    assert "everything is installed already" in said
    new = '"later": {"command": "later"},\n    '
    edited = file.read_text().replace('"search": {', new + '"search": {')
    file.write_text(edited)
    code, said = user.run("install", "gemini", "--yes")
    assert code == 0, said
    assert "later" in user.servers()
    assert json.loads(file.read_text())["mcpServers"]["later"]["args"][-2:] == ["connect", "later"]
    user.run("uninstall", "gemini", "--yes")
    assert file.read_text() == SAMPLES["gemini"][1].replace('"search": {', new + '"search": {')


def test_a_file_changed_between_the_diff_and_the_writing_is_not_overwritten(
    user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = user.has("cursor", CURSOR)
    theirs = CURSOR + "\n// the client wrote this\n"

    def agreed(*_: object, **__: object) -> bool:
        file.write_text(theirs)
        return True

    monkeypatch.setattr(installing, "confirmed", agreed)
    code, said = user.run("install", "cursor")
    assert code == 2
    assert "changed by somebody else" in said
    assert file.read_text() == theirs
    assert "not installed" in user.run("uninstall", "cursor", "--yes")[1]
    assert file.read_text() == theirs


def test_mode_and_symbolic_link_stay(user: User) -> None:
    kept = user.home / "dotfiles" / "cursor.json"
    kept.parent.mkdir()
    kept.write_text(CURSOR)
    kept.chmod(0o640)
    file = user.home / ".cursor/mcp.json"
    file.parent.mkdir()
    file.symlink_to(kept)
    user.run("install", "cursor", "--yes")
    assert file.is_symlink()
    assert b"connect" in kept.read_bytes()
    assert stat.S_IMODE(kept.stat().st_mode) == 0o640
    user.run("uninstall", "cursor", "--yes")
    assert (file.is_symlink(), kept.read_text()) == (True, CURSOR)


@pytest.mark.parametrize("garbage", [b"{", b"\xff\xfe{}", b"[]", b'{"mcpServers": 3}', b"\x00" * 100, b"{" * 50_000])
def test_garbage_is_told_and_kept(user: User, garbage: bytes) -> None:
    file = user.has("cursor", "")
    file.write_bytes(garbage)
    code, said = user.run("install", "cursor", "--yes")
    assert code == 2, said
    assert str(file) in said
    assert "Traceback" not in said
    assert file.read_bytes() == garbage
    assert (user.pool / "config.toml").read_text() == OURS


def test_a_file_broken_since_is_told_and_kept(user: User) -> None:
    file = user.has("cursor", CURSOR)
    user.run("install", "cursor", "--yes")
    file.write_text("{ half")
    code, said = user.run("uninstall", "cursor", "--yes")
    assert (code, file.read_text()) == (2, "{ half")
    assert str(file) in said
    assert any((user.pool / "clients").glob("*.backup"))


def test_a_broken_file_keeps_none_of_the_others(user: User) -> None:
    broken = user.has("cursor", CURSOR)
    gemini = user.has("gemini", SAMPLES["gemini"][1])
    user.run("install", "cursor", "gemini", "--yes")
    broken.write_text("{ half")
    assert user.run("uninstall", "--all", "--yes")[0] == 2
    assert (broken.read_text(), gemini.read_text()) == ("{ half", SAMPLES["gemini"][1])


def test_a_folder_in_place_of_the_file_is_told(user: User) -> None:
    (user.home / ".cursor/mcp.json").mkdir(parents=True)
    code, said = user.run("install", "cursor", "--yes")
    assert code == 2
    assert "not a regular file" in said


def test_backup_and_record_are_private(user: User) -> None:
    user.has("claude-desktop", CLAUDE_DESKTOP).chmod(0o644)
    user.run("install", "claude-desktop", "--yes")
    kept = list((user.pool / "clients").iterdir())
    assert len(kept) == 2
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in kept)


def test_one_name_for_two_servers_is_told_as_what_becomes_of_it(user: User) -> None:
    user.has("cursor", '{"mcpServers": {"clock": {"command": "one"}}}')
    user.has("codex", '[mcp_servers.clock]\ncommand = "two"\n')
    code, said = user.run("install", "cursor", "codex", "--yes")
    assert code == 0
    assert "Codex: `mcp_servers.clock` becomes mcpool's `clock-codex`, so mcpool's `clock` is not added" in said


def test_by_url_a_client_has_a_token_of_its_own_which_goes_with_it(user: User) -> None:
    file = user.has("cursor", CURSOR)
    code, said = user.run("install", "cursor", "--url", "--yes")
    assert code == 0, said
    assert user.tokens() == ["cursor"]
    token = (user.pool / "tokens" / "cursor").read_text()
    assert f'"Authorization": "Bearer {token}"' in file.read_text()
    assert '"url": "http://127.0.0.1:8377/mcp/git"' in file.read_text()
    assert token not in said
    assert "chmod 600" in said
    assert token not in user.run("install", "cursor", "--url", "--yes")[1]
    assert user.tokens() == ["cursor"]
    assert token not in user.run("uninstall", "cursor", "--yes")[1]
    assert (user.tokens(), file.read_text()) == ([], CURSOR)


@pytest.fixture
def two_files(user: User, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """Of one client that was installed in one after the other, since it was told to have its folder elsewhere."""
    first = user.has("claude-code", CLAUDE_CODE)
    user.run("install", "claude-code", "--url", "--yes")
    monkeypatch.setenv("CLAUDE_CONFIG_DIR", str(user.home / "elsewhere"))
    second = user.home / "elsewhere" / ".claude.json"
    second.parent.mkdir()
    second.write_text(CLAUDE_CODE)
    user.run("install", "claude-code", "--url", "--yes")
    return first, second


@pytest.mark.parametrize("left", [0, 1])
def test_a_token_in_two_files_goes_with_the_last_one(user: User, two_files: tuple[Path, Path], left: int) -> None:
    file, other = two_files[left], two_files[1 - left]
    token = (user.pool / "tokens" / "claude-code").read_text()
    text = file.read_text()
    file.write_text("{")
    assert user.run("uninstall", "claude-code", "--yes")[0] == 2
    assert (token in text, token in other.read_text(), user.tokens()) == (True, False, ["claude-code"])
    file.write_text(text)
    assert user.run("uninstall", "claude-code", "--yes")[0] == 0
    assert (token in file.read_text(), user.tokens()) == (False, [])


def test_from_url_to_shim_the_token_stays_for_another_file(
    user: User, two_files: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CLAUDE_CONFIG_DIR")
    user.run("install", "claude-code", "--yes")
    token = (user.pool / "tokens" / "claude-code").read_text()
    assert [token in file.read_text() for file in two_files] == [False, True]
    assert user.run("uninstall", "claude-code", "--yes")[0] == 0
    assert user.tokens() == []


def test_from_url_to_shim_the_token_goes_and_is_not_shown(user: User) -> None:
    file = user.has("cursor", CURSOR)
    user.run("install", "cursor", "--url", "--yes")
    token = (user.pool / "tokens" / "cursor").read_text()
    code, said = user.run("install", "cursor", "--yes")
    assert (code, token in said, token in file.read_text(), user.tokens()) == (0, False, False, [])


def test_where_a_file_cannot_be_written_no_token_is_left(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first file cannot, so the second is not written: the tokens of both go."""
    user.has("gemini", "{}")
    file = user.has("cursor", CURSOR)

    def agreed(*_: object, **__: object) -> bool:
        file.write_text("{}")
        return True

    monkeypatch.setattr(installing, "confirmed", agreed)
    code, said = user.run("install", "cursor", "gemini", "--url")
    assert (code, user.tokens()) == (2, []), said


def test_by_url_only_where_the_clients_file_can_have_it(user: User) -> None:
    code, said = user.run("install", "claude-desktop", "--url", "--yes")
    assert code == 2
    assert "without --url" in said


def test_looking_only_makes_no_token(user: User) -> None:
    user.has("cursor", CURSOR)
    user.run("install", "cursor", "--url", "--dry-run")
    assert user.tokens() == []


def test_a_token_that_was_there_before_stays(user: User) -> None:
    user.run("token", "new", "cursor")
    user.has("cursor", CURSOR)
    user.run("install", "cursor", "--url", "--yes")
    user.run("uninstall", "cursor", "--yes")
    assert user.tokens() == ["cursor"]


def test_without_names_the_clients_are_listed(user: User) -> None:
    user.has("cursor", CURSOR)
    user.run("install", "cursor", "--yes")
    code, said = user.run("install")
    assert code == 0
    assert all(name in said for name in PLACES)
    assert "installed" in next(line for line in said.splitlines() if line.startswith("cursor"))


def test_an_unknown_client_is_named(user: User) -> None:
    code, said = user.run("install", "emacs")
    assert code == 2
    assert "`emacs`" in said
    assert "claude-code" in said


def test_nothing_to_install_is_told(user: User) -> None:
    (user.pool / "config.toml").unlink()
    user.has("cursor", "{}")
    code, said = user.run("install", "cursor", "--yes")
    assert code == 2
    assert "no server to install" in said


def test_a_server_that_is_off_there_is_left_as_it_is(user: User) -> None:
    text = '{"mcpServers": {"git": {"command": "uvx", "args": ["mcp-server-git"], "disabled": true}}}'
    file = user.has("cursor", text)
    user.run("install", "cursor", "--yes")
    assert "git" not in user.servers()
    assert json.loads(file.read_text())["mcpServers"]["git"]["command"] == "uvx"


def test_what_is_written_is_what_a_client_can_start(mcpool: McpoolHome, tmp_path: Path) -> None:
    mcpool.environ["HOME"] = str(tmp_path)
    done = mcpool.run("install", "claude-desktop", "--yes")
    assert done.returncode == 0, done.stderr
    written = json.loads((tmp_path / PLACES["claude-desktop"]).read_text())["mcpServers"]["demo"]
    hello = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "x", "version": "1"}}
    line = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": hello}) + "\n"
    import subprocess

    client = subprocess.run(
        [written["command"], *written["args"]],
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path), **written["env"]},
        input=line,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert json.loads(client.stdout)["result"]["serverInfo"]["name"], client.stderr


def test_a_file_that_is_too_large_is_left(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(target, "MAX_FILE_BYTES", 10)
    user.has("cursor", CURSOR)
    assert "is larger than" in user.run("install", "cursor", "--yes")[1]

"""Finding the files of other hosts."""

from __future__ import annotations

from pathlib import Path

import pytest

from mcpool.config.hosts import find_host_files, host_of

LINUX = [
    ".claude.json",
    ".config/Claude/claude_desktop_config.json",
    ".cursor/mcp.json",
    ".config/Code/User/mcp.json",
    ".config/Code/User/globalStorage/saoudrizwan.claude-dev/settings/cline_mcp_settings.json",
    ".codeium/windsurf/mcp_config.json",
    ".config/zed/settings.json",
    ".gemini/settings.json",
    ".config/opencode/opencode.json",
    ".codex/config.toml",
]
MAC = [
    ".claude.json",
    "Library/Application Support/Claude/claude_desktop_config.json",
    "Library/Application Support/Code/User/mcp.json",
    ".config/zed/settings.json",
]
PROJECT = [".mcp.json", ".cursor/mcp.json", ".vscode/mcp.json", ".gemini/settings.json", "opencode.json"]


def make(folder: Path, places: list[str]) -> set[Path]:
    for place in places:
        (folder / place).parent.mkdir(parents=True, exist_ok=True)
        (folder / place).touch()
    return {folder / place for place in places}


@pytest.mark.parametrize(("platform", "places"), [("linux", LINUX), ("darwin", MAC)])
def test_a_users_files_and_those_of_the_project_are_found(tmp_path: Path, platform: str, places: list[str]) -> None:
    home, project = tmp_path / "home", tmp_path / "project"
    expected = make(home, places) | make(project, PROJECT)

    found = find_host_files(home, project, platform)

    assert set(found) == expected
    assert len(found) == len(expected)


def test_folders_of_such_names_and_files_of_the_other_platform_are_not_found(tmp_path: Path) -> None:
    (tmp_path / ".mcp.json").mkdir()
    make(tmp_path, ["Library/Application Support/Claude/claude_desktop_config.json"])

    assert find_host_files(tmp_path, tmp_path, "linux") == []


def test_in_the_users_home_a_file_is_found_once_and_is_the_users_own(tmp_path: Path) -> None:
    make(tmp_path, [".cursor/mcp.json"])

    (found,) = find_host_files(tmp_path, tmp_path, "linux")

    assert host_of(found, tmp_path, "linux").level == "user"


@pytest.mark.parametrize(
    ("place", "name", "project"),
    [
        ("web/.mcp.json", "Claude Code", "web"),
        ("web/.vscode/mcp.json", "VS Code", "web"),
        ("web/opencode.jsonc", "opencode", "web"),
    ],
)
def test_a_projects_file_knows_its_host_and_its_project(tmp_path: Path, place: str, name: str, project: str) -> None:
    host = host_of(tmp_path / place, tmp_path / "home", "linux")

    assert (host.name, host.level, host.project) == (name, "project", (tmp_path / project).resolve())


def test_a_file_of_no_known_host_is_a_users_own(tmp_path: Path) -> None:
    host = host_of(tmp_path / "servers.json", tmp_path, "linux")

    assert (host.name, host.suffix, host.level) == ("servers.json", "", "user")

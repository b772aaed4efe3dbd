"""Finding programs."""

from __future__ import annotations

from pathlib import Path

import pytest

from mcpool.launch.command import find_command, why_not_startable


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """An executable file in `tmp_path/bin`."""
    path = tmp_path / "bin" / "server"
    path.parent.mkdir()
    path.touch(mode=0o755)
    return path


def test_name_is_looked_for_along_the_path(program: Path) -> None:
    """In order, skipping folders that don't have it."""
    assert find_command("server", f"/nowhere:{program.parent}", "/") == str(program)


def test_file_that_cannot_be_executed_is_passed_over(program: Path, tmp_path: Path) -> None:
    """As a shell does."""
    (tmp_path / "server").touch(mode=0o644)
    assert find_command("server", f"{tmp_path}:{program.parent}", "/") == str(program)


def test_folder_is_no_program(tmp_path: Path) -> None:
    """Folders are executable too."""
    (tmp_path / "server").mkdir()
    assert find_command("server", str(tmp_path), "/") is None


@pytest.mark.parametrize("command", ["bin/server", "./bin/server", "bin/../bin/server"])
def test_name_with_a_slash_is_taken_from_the_working_folder(command: str, program: Path, tmp_path: Path) -> None:
    """Not from the PATH."""
    assert find_command(command, "/nowhere", str(tmp_path)) == str(program)


def test_relative_folder_of_the_path_is_taken_from_the_working_folder(program: Path, tmp_path: Path) -> None:
    """The host's own folder means nothing."""
    assert find_command("server", "bin", str(tmp_path)) == str(program)


@pytest.mark.parametrize("command", ["", "nosuch", "/nowhere/server"])
def test_what_is_not_there_is_none(command: str) -> None:
    """No exception."""
    assert find_command(command, "/nowhere", "/") is None


def test_nothing_stands_in_the_way_of_a_program(program: Path, tmp_path: Path) -> None:
    """The reason is for failures alone."""
    assert why_not_startable((str(program),), None, str(tmp_path)) is None


def test_folder_as_command_is_said_to_be_one(tmp_path: Path) -> None:
    """A frequent slip."""
    assert why_not_startable((str(tmp_path),), None, "/") == f"{tmp_path} is a folder, not a program; correct `command`"


def test_empty_command_is_said_to_be_empty() -> None:
    """And which key to set."""
    assert "set `command`" in (why_not_startable((), None, "/") or "")


def test_path_of_a_command_that_is_not_there_is_told_once_and_in_short() -> None:
    """A PATH put together by many shells says most things twice."""
    path = ":".join([*(f"/f{number}" for number in range(10)), "/f0", "/f1", ""])
    said = why_not_startable(("nosuch",), path, "/") or ""
    assert "(/f0:/f1:/f2:/f3:/f4:/f5:/f6:/f7 and 2 more)" in said

"""Text search over a folder: what it finds, and what it never touches."""

from __future__ import annotations

import os
from pathlib import Path
from typing import cast

import pytest

from mcpool.demo.search import search
from mcpool.demo.tool import Call, Cancelled, Json, ToolError


def find(base: Path, text: str, call: Call | None = None, **options: object) -> Json:
    arguments: Json = {"text": text, "folder": ".", "ignore_case": True, "limit": 50, **options}
    return search(str(base)).run(arguments, call or Call())


def found(result: Json) -> list[tuple[object, object]]:
    return [(match["file"], match["line"]) for match in cast("list[Json]", result["matches"])]


def test_matching_lines_are_found_beneath_the_folder_in_a_stable_order(tmp_path: Path):
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "deep.txt").write_text("x\nNeedle here\n")
    (tmp_path / "z.txt").write_text("a needle\nneedle")
    result = find(tmp_path, "needle")
    assert found(result) == [("z.txt", 1), ("z.txt", 2), (os.path.join("b", "deep.txt"), 2)]
    assert (result["files"], result["complete"]) == (2, True)


def test_case_counts_when_asked(tmp_path: Path):
    (tmp_path / "a.txt").write_text("Needle\nneedle\n")
    assert found(find(tmp_path, "needle", ignore_case=False)) == [("a.txt", 2)]


def test_the_text_is_no_pattern(tmp_path: Path):
    (tmp_path / "a.txt").write_text("aab\na+b\n")
    assert found(find(tmp_path, "a+b")) == [("a.txt", 2)]


def test_long_lines_are_cut(tmp_path: Path):
    (tmp_path / "a.txt").write_text("needle" + "x" * 1000)
    (match,) = cast("list[Json]", find(tmp_path, "needle")["matches"])
    assert len(str(match["text"])) == 200


def test_a_limit_that_is_reached_is_said(tmp_path: Path):
    (tmp_path / "a.txt").write_text("needle\n" * 4)
    assert len(found(find(tmp_path, "needle", limit=4))) == 4
    assert find(tmp_path, "needle", limit=4)["complete"] is True
    assert find(tmp_path, "needle", limit=3)["complete"] is False


@pytest.mark.parametrize("name", [".hidden", "node_modules/x.txt", ".git/config"])
def test_hidden_and_installed_files_are_skipped(tmp_path: Path, name: str):
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text("needle")
    assert found(find(tmp_path, "needle")) == []


@pytest.mark.parametrize("data", [b"needle\0", b"needle" + b"x" * 1024 * 1024], ids=["binary", "large"])
def test_binary_and_large_files_are_skipped(tmp_path: Path, data: bytes):
    (tmp_path / "a").write_bytes(data)
    assert found(find(tmp_path, "needle")) == []


def test_a_pipe_in_the_folder_does_not_block(tmp_path: Path):
    os.mkfifo(tmp_path / "pipe")
    assert find(tmp_path, "needle")["files"] == 0


@pytest.mark.parametrize("folder", ["..", "/", "../base-sibling", "out", "a\0b", "missing"])
def test_no_folder_outside_of_the_base_is_searched(tmp_path: Path, folder: str):
    base = tmp_path / "base"
    base.mkdir()
    (tmp_path / "base-sibling").mkdir()
    (tmp_path / "base-sibling" / "a.txt").write_text("needle")
    (base / "out").symlink_to(tmp_path)
    with pytest.raises(ToolError):
        find(base, "needle", folder=folder)


def test_links_beneath_the_folder_are_not_followed(tmp_path: Path):
    (tmp_path / "secret").write_text("needle")
    base = tmp_path / "base"
    base.mkdir()
    (base / "link").symlink_to(tmp_path / "secret")
    (base / "folder").symlink_to(tmp_path)
    assert found(find(base, "needle")) == []


def test_a_cancelled_search_stops(tmp_path: Path):
    (tmp_path / "a.txt").write_text("needle")
    call = Call()
    call.cancel()
    with pytest.raises(Cancelled):
        find(tmp_path, "needle", call)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home of mcpool, under a name that is not hidden."""
    home = tmp_path / "home"
    for folder in ("hosts", "logs", "tokens"):
        (home / folder).mkdir(parents=True)
    (home / "id").write_text("1")
    (home / "tokens" / "default").write_text("needle")
    return home


def test_the_home_of_mcpool_is_left_out(tmp_path: Path, home: Path):
    (tmp_path / "a.txt").write_text("needle")
    assert found(find(tmp_path, "needle")) == [("a.txt", 1)]


@pytest.mark.parametrize("folder", [".", "tokens"])
def test_in_the_home_of_mcpool_nothing_is_searched(home: Path, folder: str):
    with pytest.raises(ToolError, match="mcpool's own folder"):
        find(home, "needle", folder=folder)


@pytest.mark.parametrize("folder", [".hidden", "a/.hidden/b", "node_modules"])
def test_a_folder_that_is_skipped_cannot_be_asked_for_either(tmp_path: Path, folder: str):
    (tmp_path / folder).mkdir(parents=True)
    with pytest.raises(ToolError, match="is not searched"):
        find(tmp_path, "needle", folder=folder)

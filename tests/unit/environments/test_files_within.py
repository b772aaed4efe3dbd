"""A folder that nothing leads out of (Scenario S6)."""

from __future__ import annotations

from pathlib import Path

import pytest

from mcpool.environments.files import LocalFiles
from mcpool.environments.files_within import FilesWithin


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "real"
    (root / "notes").mkdir(parents=True)
    (root / "notes" / "more.md").write_text("More.")
    (root / "inside").symlink_to("notes")
    (root / "out").symlink_to(tmp_path / "secret")
    (root / "away").symlink_to(tmp_path)
    (tmp_path / "secret").write_text("s3cret")
    (tmp_path / "real2").mkdir()
    (tmp_path / "kit").symlink_to("real")
    return tmp_path / "kit"


async def test_what_is_in_it_can_be_read_by_relative_and_whole_paths_and_over_links_within(folder: Path) -> None:
    files = FilesWithin(LocalFiles(), str(folder))
    for path in ("notes/more.md", "inside/more.md", "./notes/../notes/more.md", f"{folder}/notes/more.md"):
        assert await files.read(path, 100) == b"More."
    assert await files.read(str(folder.parent / "real" / "notes" / "more.md"), 100) == b"More."
    assert [entry.name for entry in await files.list("notes")] == ["more.md"]
    assert await files.kind("") == "folder"


@pytest.mark.parametrize(
    "path", ["../secret", "notes/../../secret", "/etc/passwd", "out", "away/secret", "../real2", "../none", "/"]
)
async def test_what_leads_out_of_it_is_refused_whatever_stands_there(folder: Path, path: str) -> None:
    files = FilesWithin(LocalFiles(), str(folder))
    for ask in (lambda: files.read(path, 100), lambda: files.list(path), lambda: files.kind(path)):
        with pytest.raises(PermissionError, match="out"):
            await ask()


async def test_what_is_not_there_is_told_as_ever(folder: Path) -> None:
    with pytest.raises(FileNotFoundError):
        await FilesWithin(LocalFiles(), str(folder)).read("notes/none.md", 100)


def test_a_folder_by_a_relative_path_is_refused() -> None:
    with pytest.raises(ValueError, match="absolute"):
        FilesWithin(LocalFiles(), "kit")

"""The files of this machine, asked as those of any environment."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from mcpool.environments import files
from mcpool.environments.files import Entry, LocalFiles


async def test_a_file_is_read_whole(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"x" * 10)

    assert await LocalFiles().read(f"{tmp_path}/a", 10) == b"x" * 10


async def test_a_file_over_the_limit_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"x" * 11)

    with pytest.raises(OSError, match="larger than 10 bytes") as caught:
        await LocalFiles().read(f"{tmp_path}/a", 10)

    assert caught.value.errno == errno.EFBIG


async def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")

    with pytest.raises(OSError, match="not a regular file"):
        await LocalFiles().read(f"{tmp_path}/pipe", 10)


async def test_a_folder_is_listed_by_name_with_links_followed(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    (tmp_path / "a").touch()
    (tmp_path / "to-folder").symlink_to("b")
    (tmp_path / "to-file").symlink_to("a")
    (tmp_path / "to-nothing").symlink_to("c")
    (tmp_path / "circle").symlink_to("circle")

    assert await LocalFiles().list(str(tmp_path)) == (
        Entry("a", "file"),
        Entry("b", "folder"),
        Entry("circle", "other"),
        Entry("to-file", "file"),
        Entry("to-folder", "folder"),
        Entry("to-nothing", "other"),
    )


async def test_a_folder_with_too_many_entries_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "MOST_ENTRIES", 2)
    for name in "abc":
        (tmp_path / name).touch()

    with pytest.raises(OSError, match="more than 2"):
        await LocalFiles().list(str(tmp_path))


async def test_the_kind_of_a_path_follows_links(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    (tmp_path / "link").symlink_to("b")

    assert await LocalFiles().kind(f"{tmp_path}/link") == "folder"


async def test_the_real_path_has_no_links(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    (tmp_path / "link").symlink_to("b")
    real = await LocalFiles().real_path(str(tmp_path))

    assert await LocalFiles().real_path(f"{tmp_path}/link/../b") == f"{real}/b"


@pytest.mark.parametrize("path", ["relative", "", "/a\0b"])
async def test_what_is_no_absolute_path_is_refused(path: str) -> None:
    for ask in (LocalFiles().kind, LocalFiles().list, LocalFiles().real_path):
        with pytest.raises(OSError, match="not an absolute path"):
            await ask(path)


@pytest.mark.parametrize("method", ["kind", "list", "real_path"])
async def test_what_does_not_exist_is_not_found(tmp_path: Path, method: str) -> None:
    with pytest.raises(FileNotFoundError):
        await getattr(LocalFiles(), method)(f"{tmp_path}/none")

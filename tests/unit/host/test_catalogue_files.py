"""Lists of tools in files: private, bounded, and never in the way."""

from __future__ import annotations

import asyncio
import os
import stat
import time
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import pytest

from mcpool.backend.catalogues import Kept
from mcpool.catalog.identity import StdioIdentity
from mcpool.host import catalogue_files
from mcpool.host.catalogue_files import EXPIRED, FRESH, MOST_BYTES, MOST_FILES, CatalogueFiles
from mcpool.host.catalogue_files import catalogue_files as files_of_home

KEY = b"k" * 32
TOOLS = (b'{"name":"a","inputSchema":{"type":"object"}}', b'{ "name" : "b" }')


def identity(secret: str = "hunter2") -> StdioIdentity:
    return StdioIdentity("server", ("--token", secret), (("TOKEN", secret),), "/srv")


class Shelf:
    """Files whose writing the test can wait for."""

    def __init__(self, folder: Path) -> None:
        self.tasks: list[asyncio.Task[None]] = []
        self.folder = folder
        self.files = CatalogueFiles(folder, KEY, self._spawn)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        self.tasks.append(asyncio.ensure_future(work))
        return self.tasks[-1]

    async def keep(self, tools: tuple[bytes, ...] = TOOLS, secret: str = "hunter2") -> Path | None:
        before = set(self.folder.glob("*.json"))
        self.files.save(identity(secret), tools)
        await asyncio.gather(*self.tasks)
        return next(iter(set(self.folder.glob("*.json")) - before), None)


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path / "catalogues")


async def test_what_was_kept_comes_back_byte_for_byte(shelf: Shelf) -> None:
    assert shelf.files.load(identity()) is None
    await shelf.keep()
    assert shelf.files.load(identity()) == Kept(TOOLS, stale=False)
    assert shelf.files.load(identity("other")) is None


async def test_the_files_are_private_and_their_names_tell_nothing(shelf: Shelf) -> None:
    """Scenario L4."""
    path = await shelf.keep()
    assert path is not None
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(shelf.folder.stat().st_mode) == 0o700
    assert [each.name for each in shelf.folder.iterdir()] == [path.name]
    assert "hunter2" not in path.name + path.read_text()


async def test_another_home_has_other_names_for_the_same_server(shelf: Shelf) -> None:
    await shelf.keep()
    assert CatalogueFiles(shelf.folder, b"other" * 8, shelf.files._spawn).load(identity()) is None  # pyright: ignore


@pytest.mark.parametrize(("age", "found"), [(FRESH - 60, False), (FRESH + 60, True), (-60, True), (EXPIRED + 60, None)])
async def test_an_old_list_is_stale_and_a_very_old_one_is_not_shown(
    shelf: Shelf, age: float, found: bool | None
) -> None:
    path = await shelf.keep()
    assert path is not None
    os.utime(path, times=(time.time() - age, time.time() - age))
    kept = shelf.files.load(identity())
    assert (None if kept is None else kept.stale) is found


@pytest.mark.parametrize("content", [b"", b"{", b'{"version":2,"tools":[]}', b'{"version":1}', b"\xff\xfe"])
async def test_a_broken_file_is_as_if_there_were_none(shelf: Shelf, content: bytes) -> None:
    path = await shelf.keep()
    assert path is not None
    path.write_bytes(content)
    assert shelf.files.load(identity()) is None
    await shelf.keep()
    assert shelf.files.load(identity()) is not None


async def test_a_list_that_is_too_long_is_not_kept_and_takes_the_one_before_with_it(shelf: Shelf) -> None:
    await shelf.keep()
    await shelf.keep((b'{"name":"' + b"x" * MOST_BYTES + b'"}',))
    assert shelf.files.load(identity()) is None


async def test_only_the_newest_are_kept(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalogue_files, "MOST_FILES", 3)
    for number in range(5):
        path = await shelf.keep(secret=str(number))
        assert path is not None
        os.utime(path, times=(1000.0 + number, 1000.0 + number))
    await shelf.keep(secret="last")
    assert len(list(shelf.folder.iterdir())) == 3
    assert MOST_FILES > 3


async def test_of_many_changes_at_once_the_last_is_written(shelf: Shelf) -> None:
    for number in range(50):
        shelf.files.save(identity(), (b'{"name":"%d"}' % number,))
    await asyncio.gather(*shelf.tasks)
    assert len(shelf.tasks) == 1
    assert shelf.files.load(identity()) == Kept((b'{"name":"49"}',), stale=False)


async def test_a_folder_that_cannot_be_written_is_told_once_and_harms_nobody(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").touch()
    shelf = Shelf(tmp_path / "file" / "catalogues")
    for number in range(3):
        await shelf.keep(secret=str(number))
    assert [record.message for record in caplog.records if "cannot be kept" in record.message][1:] == []
    assert shelf.files.load(identity("1")) is None


async def test_a_home_whose_key_is_broken_keeps_nothing_and_says_so(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "key").write_bytes(b"short")
    assert files_of_home(tmp_path, lambda work: asyncio.ensure_future(work)) is None
    assert "not kept" in caplog.text

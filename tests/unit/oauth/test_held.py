"""The grant of one place in one process: read once for all, and never lost although it cannot be kept just now."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from mcpool.errors import ConfigError, ServerUnavailable
from mcpool.oauth.grant import Grant, Place
from mcpool.oauth.held import Held
from mcpool.oauth.keepers import Files
from mcpool.oauth.store import GrantStore

PLACE = Place("https://example.org/mcp", "")
GRANT = Grant(url=PLACE.url, issuer="i", client={"client_id": "c"}, access_token="acc3ss", refresh_token="r3fresh")
NEWER = Grant(url=PLACE.url, issuer="i", client={"client_id": "c"}, access_token="n3wer", refresh_token="r3fresher")
DEADLINE = 30.0


class Disk:
    """Files that cannot be read, or written, or do not answer, if so told."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.full = False
        self.gone = False
        self.hangs: threading.Event | None = None
        self.reads = 0
        self.refused = threading.Event()
        self.written = threading.Event()
        read, write = Files.read, Files.write

        def reading(files: Files, name: str) -> bytes | None:
            self.reads += 1
            if self.hangs is not None:
                self.hangs.wait()
            if self.gone:
                raise ConfigError(["the disk is gone"])
            return read(files, name)

        def writing(files: Files, name: str, data: bytes) -> None:
            if self.full:
                self.refused.set()
                raise ConfigError(["no space left on device"])
            write(files, name, data)
            self.written.set()

        monkeypatch.setattr(Files, "read", reading)
        monkeypatch.setattr(Files, "write", writing)


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Iterator[Disk]:
    disk = Disk(monkeypatch)
    yield disk
    if disk.hangs is not None:
        disk.hangs.set()


@pytest.fixture
def store(tmp_path: Path, disk: Disk) -> GrantStore:
    return GrantStore(tmp_path, "file")


async def kept(store: GrantStore) -> Grant | None:
    found = await store.read(PLACE)
    return None if found is None else found.grant


async def renews(held: Held, store: GrantStore, grant: Grant = NEWER) -> None:
    async with store.locked(PLACE):
        await held.read()
        await held.renewed(grant)


async def test_it_is_read_once_for_all_who_need_it(store: GrantStore, disk: Disk) -> None:
    await store.write(PLACE, GRANT)
    disk.reads = 0
    held = Held("web", PLACE, store)
    assert await asyncio.gather(*(held.get() for _ in range(50))) == [GRANT] * 50
    assert disk.reads == 1


async def test_it_is_read_again_when_somebody_may_have_signed_in(store: GrantStore) -> None:
    held = Held("web", PLACE, store)
    assert await held.get() is None
    await store.write(PLACE, GRANT)
    held.look_again()
    assert await held.get() == GRANT


async def test_a_place_that_does_not_answer_is_told_to_all_in_time(tmp_path: Path, disk: Disk) -> None:
    disk.hangs = threading.Event()
    held = Held("web", PLACE, GrantStore(tmp_path, "file", patience=0.05))
    outcomes = await asyncio.gather(*(held.get() for _ in range(50)), return_exceptions=True)
    assert {type(outcome) for outcome in outcomes} == {ServerUnavailable}
    assert "`web`: its sign-in could not be read: " in str(outcomes[0])
    assert disk.reads == 1


async def test_who_stops_waiting_takes_nothing_from_the_others(store: GrantStore, disk: Disk) -> None:
    await store.write(PLACE, GRANT)
    disk.hangs = threading.Event()
    held = Held("web", PLACE, store)
    first, second = (asyncio.create_task(held.get()) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    await asyncio.wait([first])
    disk.hangs.set()
    assert await second == GRANT


async def test_what_was_read_stays_good_when_it_cannot_be_read_again(store: GrantStore, disk: Disk) -> None:
    """A keyring that is locked meanwhile signs nobody out."""
    await store.write(PLACE, GRANT)
    held = Held("web", PLACE, store)
    await held.get()
    disk.gone = True
    held.look_again()
    assert await held.get() == GRANT


async def test_a_renewal_is_kept(store: GrantStore) -> None:
    await store.write(PLACE, GRANT)
    held = Held("web", PLACE, store)
    await renews(held, store)
    assert await kept(store) == NEWER


class TestWhatCannotBeKept:
    async def test_it_is_used_from_memory_and_told(
        self, store: GrantStore, disk: Disk, caplog: pytest.LogCaptureFixture
    ) -> None:
        await store.write(PLACE, GRANT)
        held = Held("web", PLACE, store)
        disk.full = True
        await renews(held, store)
        held.look_again()
        assert await held.get() == NEWER
        assert await kept(store) == GRANT
        assert "`web`: its renewed sign-in is in memory only until it can be kept: no space left" in caplog.text
        assert "r3fresh" not in caplog.text
        disk.full = False
        await held.close(DEADLINE)

    async def test_it_is_kept_as_soon_as_that_is_possible(self, store: GrantStore, disk: Disk) -> None:
        await store.write(PLACE, GRANT)
        held = Held("web", PLACE, store, pauses=[0.001])
        disk.full = True
        await renews(held, store)
        disk.refused.clear()
        assert await asyncio.to_thread(disk.refused.wait, DEADLINE)  # tried once more, in vain
        disk.written.clear()
        disk.full = False
        assert await asyncio.to_thread(disk.written.wait, DEADLINE)
        assert await kept(store) == NEWER
        await held.close(DEADLINE)

    async def test_it_is_kept_at_the_latest_when_the_host_closes(self, store: GrantStore, disk: Disk) -> None:
        await store.write(PLACE, GRANT)
        held = Held("web", PLACE, store)
        disk.full = True
        await renews(held, store)
        disk.full = False
        await held.close(DEADLINE)
        assert await kept(store) == NEWER

    async def test_that_it_is_lost_in_the_end_is_told(
        self, store: GrantStore, disk: Disk, caplog: pytest.LogCaptureFixture
    ) -> None:
        await store.write(PLACE, GRANT)
        held = Held("web", PLACE, store)
        disk.full = True
        await renews(held, store)
        await held.close(DEADLINE)
        assert [record.levelno for record in caplog.records] == [logging.WARNING, logging.ERROR]
        assert "`web`: its renewed sign-in is lost, so sign in again" in caplog.text

    async def test_it_gives_way_to_a_sign_out(self, store: GrantStore, disk: Disk) -> None:
        await store.write(PLACE, GRANT)
        held = Held("web", PLACE, store)
        disk.full = True
        await renews(held, store)
        disk.full = False
        await store.forget(PLACE)
        held.look_again()
        assert await held.get() is None
        await held.close(DEADLINE)
        assert await kept(store) is None

    async def test_it_outlives_that_another_process_was_refused_the_same_renewal(
        self, store: GrantStore, disk: Disk
    ) -> None:
        """That one had only the refresh token that we have used up."""
        await store.write(PLACE, GRANT)
        held, other = Held("web", PLACE, store), Held("web", PLACE, store)
        disk.full = True
        await renews(held, store)
        disk.full = False
        await renews(other, store, GRANT.spent())
        held.look_again()
        assert await held.get() == NEWER
        await held.close(DEADLINE)
        assert await kept(store) == NEWER

    async def test_a_renewal_after_it_takes_its_place(self, store: GrantStore, disk: Disk) -> None:
        await store.write(PLACE, GRANT)
        held = Held("web", PLACE, store)
        disk.full = True
        await renews(held, store, GRANT.spent())
        await renews(held, store)
        disk.full = False
        await held.close(DEADLINE)
        assert await kept(store) == NEWER

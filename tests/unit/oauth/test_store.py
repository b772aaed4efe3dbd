"""Where grants are kept: files, and a keyring that comes and goes."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from mcpool.config.expand import SecretsError
from mcpool.config.model import OAuthStore
from mcpool.config.secrets import NoKeyring
from mcpool.errors import ConfigError
from mcpool.oauth import keepers
from mcpool.oauth.grant import Grant, Place
from mcpool.oauth.store import GrantStore

PLACE = Place("https://example.org/mcp", "")
GRANT = Grant(url=PLACE.url, issuer="i", client={"client_id": "c"}, access_token="acc3ss", refresh_token="r3fresh")
NEWER = Grant(url=PLACE.url, issuer="i", client={"client_id": "c"}, access_token="n3wer", refresh_token="r3fresher")


class FakeKeyring:
    """In place of the system's. `trouble` is what it raises."""

    def __init__(self) -> None:
        self.kept: dict[str, str] = {}
        self.trouble: SecretsError | None = None
        self.hangs: threading.Event | None = None

    def get(self, name: str) -> str | None:
        self._look()
        return self.kept.get(name)

    def set(self, name: str, value: str) -> None:
        self._look()
        self.kept[name] = value

    def delete(self, name: str) -> bool:
        self._look()
        return self.kept.pop(name, None) is not None

    def _look(self) -> None:
        if self.hangs is not None:
            self.hangs.wait()
        if self.trouble is not None:
            raise self.trouble


OTHER = Place("https://user:s3cret@other.example.org/s3cret", "laptop")
LOCKED = SecretsError("it is locked", "unlock it")
NONE = NoKeyring("there is none", "install one")


@pytest.fixture
def keyring(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeKeyring]:
    fake = FakeKeyring()
    monkeypatch.setattr(keepers, "keyring_secret", fake.get)
    monkeypatch.setattr(keepers, "store_keyring_secret", fake.set)
    monkeypatch.setattr(keepers, "delete_keyring_secret", fake.delete)
    yield fake
    if fake.hangs is not None:
        fake.hangs.set()


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        self.now += 1.0
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


async def grant_in(store: GrantStore, place: Place = PLACE) -> Grant | None:
    kept = await store.read(place)
    return None if kept is None else kept.grant


def files(home: Path) -> list[Path]:
    return sorted((home / "oauth").glob("*.json"))


class TestFiles:
    async def test_a_grant_is_found_again_for_its_place_only(self, tmp_path: Path) -> None:
        await GrantStore(tmp_path, "file").write(PLACE, GRANT)
        store = GrantStore(tmp_path, "file")
        assert await grant_in(store) == GRANT
        assert await store.read(Place(PLACE.url, "laptop")) is None
        assert await store.read(Place(PLACE.url, "", "https://example.org")) is None

    async def test_a_grant_says_when_it_was_written(self, tmp_path: Path) -> None:
        store = GrantStore(tmp_path, "file", clock=lambda: 1234.5)
        await store.write(PLACE, GRANT)
        kept = await store.read(PLACE)
        assert kept is not None
        assert kept.written_at == 1234.5

    async def test_a_grant_that_was_forgotten_is_gone_and_given_back_once(self, tmp_path: Path) -> None:
        store = GrantStore(tmp_path, "file")
        await store.write(PLACE, GRANT)
        assert [(await store.forget(PLACE)).grant, (await store.forget(PLACE)).grant] == [GRANT, None]
        assert await grant_in(store) is None

    async def test_no_token_is_left_of_what_was_forgotten(self, tmp_path: Path) -> None:
        store = GrantStore(tmp_path, "file")
        await store.write(PLACE, GRANT)
        await store.forget(PLACE)
        left = "".join(file.read_text() for file in (tmp_path / "oauth").iterdir())
        assert [secret for secret in ("acc3ss", "r3fresh") if secret in left] == []

    async def test_another_home_gives_a_file_another_name(self, tmp_path: Path) -> None:
        names: set[str] = set()
        for home in (tmp_path / "a", tmp_path / "b"):
            home.mkdir()
            await GrantStore(home, "file").write(PLACE, GRANT)
            names |= {file.name for file in files(home)}
        assert len(names) == 2

    async def test_a_file_that_is_no_grant_counts_as_none(self, tmp_path: Path) -> None:
        store = GrantStore(tmp_path, "file")
        await store.write(PLACE, GRANT)
        (file,) = files(tmp_path)
        file.write_text("not a grant")
        assert await store.read(PLACE) is None

    async def test_a_file_that_cannot_be_read_is_told_with_its_name(self, tmp_path: Path) -> None:
        store = GrantStore(tmp_path, "file")
        await store.write(PLACE, GRANT)
        (file,) = files(tmp_path)
        file.unlink()
        file.mkdir()
        with pytest.raises(ConfigError, match=file.name):
            await store.read(PLACE)

    async def test_what_a_killed_process_left_half_written_goes_with_the_next_writing(self, tmp_path: Path) -> None:
        store = GrantStore(tmp_path, "file")
        await store.write(PLACE, GRANT)
        (file,) = files(tmp_path)
        left = file.with_name(f".{file.stem}.abcd")
        left.write_text("r3fresh")
        os.utime(left, (0, 0))
        await store.forget(PLACE)
        assert not left.exists()


class TestRenewal:
    async def test_a_renewal_replaces_what_it_renews(self, tmp_path: Path, clock: Clock) -> None:
        store = GrantStore(tmp_path, "file", clock=clock)
        await store.write(PLACE, GRANT)
        kept = await store.renew(PLACE, NEWER, clock.now)
        assert kept == await store.read(PLACE)
        assert await grant_in(store) == NEWER

    async def test_a_renewal_does_not_undo_a_sign_out(self, tmp_path: Path, clock: Clock) -> None:
        store = GrantStore(tmp_path, "file", clock=clock)
        await store.write(PLACE, GRANT)
        since = clock.now
        await store.forget(PLACE)
        assert await store.renew(PLACE, NEWER, since) is None
        assert await grant_in(store) is None

    async def test_a_renewal_does_not_undo_a_sign_in(self, tmp_path: Path, clock: Clock) -> None:
        store = GrantStore(tmp_path, "file", clock=clock)
        await store.write(PLACE, GRANT)
        since = clock.now
        await store.write(PLACE, NEWER)
        assert await store.renew(PLACE, GRANT, since) is None
        assert await grant_in(store) == NEWER


class TestAuto:
    async def test_it_keeps_grants_in_the_keyring_alone(self, tmp_path: Path, keyring: FakeKeyring) -> None:
        store = GrantStore(tmp_path)
        await store.write(PLACE, GRANT)
        assert (len(keyring.kept), files(tmp_path)) == (1, [])
        assert await grant_in(store) == GRANT

    @pytest.mark.parametrize("trouble", [LOCKED, NONE])
    async def test_it_keeps_grants_in_files_if_the_keyring_refuses(
        self, tmp_path: Path, keyring: FakeKeyring, trouble: SecretsError
    ) -> None:
        keyring.trouble = trouble
        store = GrantStore(tmp_path)
        await store.write(PLACE, GRANT)
        assert len(files(tmp_path)) == 1
        assert await grant_in(store) == GRANT

    async def test_a_keyring_that_keeps_nothing_is_noticed(
        self, tmp_path: Path, keyring: FakeKeyring, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(keepers, "store_keyring_secret", lambda name, value: None)  # type: ignore[misc]
        store = GrantStore(tmp_path)
        await store.write(PLACE, GRANT)
        assert await grant_in(store) == GRANT

    async def test_a_sign_in_without_the_keyring_counts_where_there_is_one_with_an_older_copy(
        self, tmp_path: Path, keyring: FakeKeyring, clock: Clock
    ) -> None:
        """Over SSH, for example."""
        store = GrantStore(tmp_path, clock=clock)
        await store.write(PLACE, GRANT)
        keyring.trouble = NONE
        await GrantStore(tmp_path, clock=clock).write(PLACE, NEWER)
        keyring.trouble = None
        assert await grant_in(store) == NEWER

    async def test_a_sign_in_with_the_keyring_counts_although_an_older_file_stays(
        self, tmp_path: Path, keyring: FakeKeyring, clock: Clock
    ) -> None:
        await GrantStore(tmp_path, "file", clock=clock).write(PLACE, GRANT)
        (file,) = files(tmp_path)
        old = file.read_bytes()
        store = GrantStore(tmp_path, clock=clock)
        await store.write(PLACE, NEWER)
        assert files(tmp_path) == []
        file.write_bytes(old)  # as a backup does
        assert await grant_in(store) == NEWER

    async def test_a_sign_out_without_the_keyring_counts_where_there_is_one_with_an_older_copy(
        self, tmp_path: Path, keyring: FakeKeyring, clock: Clock
    ) -> None:
        store = GrantStore(tmp_path, clock=clock)
        await store.write(PLACE, GRANT)
        keyring.trouble = LOCKED
        forgotten = await GrantStore(tmp_path, clock=clock).forget(PLACE)
        assert (forgotten.grant, "it is locked" in str(forgotten.unread)) == (None, True)
        keyring.trouble = None
        assert len(keyring.kept) == 1
        assert await grant_in(store) is None

    async def test_a_sign_out_leaves_no_copy_in_the_keyring(self, tmp_path: Path, keyring: FakeKeyring) -> None:
        store = GrantStore(tmp_path)
        await store.write(PLACE, GRANT)
        assert (await store.forget(PLACE)).grant == GRANT
        assert keyring.kept == {}
        assert await grant_in(store) is None

    async def test_a_sign_in_after_a_sign_out_counts(self, tmp_path: Path, keyring: FakeKeyring, clock: Clock) -> None:
        store = GrantStore(tmp_path, clock=clock)
        await store.write(PLACE, GRANT)
        await store.forget(PLACE)
        await store.write(PLACE, NEWER)
        assert await grant_in(store) == NEWER

    async def test_a_renewal_stays_where_a_process_without_the_keyring_finds_it(
        self, tmp_path: Path, keyring: FakeKeyring, clock: Clock
    ) -> None:
        keyring.trouble = NONE
        await GrantStore(tmp_path, clock=clock).write(PLACE, GRANT)
        since = clock.now
        keyring.trouble = None
        assert await GrantStore(tmp_path, clock=clock).renew(PLACE, NEWER, since) is not None
        keyring.trouble = NONE
        assert await grant_in(GrantStore(tmp_path, clock=clock)) == NEWER

    async def test_a_renewal_of_what_is_in_a_keyring_that_was_locked_meanwhile_goes_into_a_file(
        self, tmp_path: Path, keyring: FakeKeyring, clock: Clock
    ) -> None:
        store = GrantStore(tmp_path, clock=clock)
        await store.write(PLACE, GRANT)
        since = clock.now
        keyring.trouble = LOCKED
        assert await store.renew(PLACE, NEWER, since) is not None
        keyring.trouble = None
        assert await grant_in(store) == NEWER

    async def test_a_locked_keyring_that_may_hold_the_only_copy_is_told(
        self, tmp_path: Path, keyring: FakeKeyring
    ) -> None:
        keyring.trouble = LOCKED
        with pytest.raises(ConfigError, match="it is locked; unlock it"):
            await GrantStore(tmp_path).read(PLACE)

    async def test_without_a_keyring_nobody_is_signed_in(self, tmp_path: Path, keyring: FakeKeyring) -> None:
        keyring.trouble = NONE
        assert await GrantStore(tmp_path).read(PLACE) is None

    async def test_a_keyring_that_hangs_keeps_nobody_from_the_files(self, tmp_path: Path, keyring: FakeKeyring) -> None:
        await GrantStore(tmp_path, "file").write(PLACE, GRANT)
        keyring.hangs = threading.Event()
        store = GrantStore(tmp_path, patience=0.05)
        assert await asyncio.gather(*(grant_in(store) for _ in range(50))) == [GRANT] * 50


class TestKeyring:
    async def test_the_wish_of_a_new_configuration_counts(self, tmp_path: Path, keyring: FakeKeyring) -> None:
        store = GrantStore(tmp_path, "file")
        assert await store.read(PLACE) is None
        store.keep_in("keyring")
        await store.write(PLACE, GRANT)
        assert len(keyring.kept) == 1

    @pytest.mark.parametrize("trouble", [LOCKED, NONE])
    async def test_one_that_cannot_be_used_is_told_with_what_to_do(
        self, tmp_path: Path, keyring: FakeKeyring, trouble: SecretsError
    ) -> None:
        keyring.trouble = trouble
        store = GrantStore(tmp_path, "keyring")
        for use in (store.read(PLACE), store.write(PLACE, GRANT), store.forget(PLACE)):
            with pytest.raises(ConfigError, match=rf'{trouble}; .*mcp_oauth_credentials_store = "file"'):
                await use
        assert files(tmp_path) == []

    async def test_one_that_hangs_is_told_with_what_to_do(self, tmp_path: Path, keyring: FakeKeyring) -> None:
        keyring.hangs = threading.Event()
        with pytest.raises(ConfigError, match="does not answer: unlock it"):
            await GrantStore(tmp_path, "keyring", patience=0.05).read(PLACE)


class TestLock:
    async def test_a_grant_that_another_process_renews_is_waited_for_no_longer_than_told(self, tmp_path: Path) -> None:
        one, other = GrantStore(tmp_path, "file"), GrantStore(tmp_path, "file", lock_patience=0.05)
        async with one.locked(PLACE):
            with pytest.raises(TimeoutError):
                async with other.locked(PLACE):
                    pass
        async with other.locked(PLACE):
            pass

    async def test_a_sign_out_waits_for_a_renewal_under_way(self, tmp_path: Path, clock: Clock) -> None:
        """And takes what comes of it: that is what has to be revoked."""
        renewing, leaving = GrantStore(tmp_path, "file", clock=clock), GrantStore(tmp_path, "file", clock=clock)
        await renewing.write(PLACE, GRANT)
        since = clock.now
        async with renewing.locked(PLACE):
            out = asyncio.create_task(leaving.forget(PLACE))
            done, _ = await asyncio.wait([out], timeout=0.1)
            assert not done
            await renewing.renew(PLACE, NEWER, since)
        assert (await out).grant == NEWER
        assert await grant_in(renewing) is None

    async def test_a_renewal_that_never_ends_keeps_nobody_from_signing_out(self, tmp_path: Path, clock: Clock) -> None:
        renewing = GrantStore(tmp_path, "file", clock=clock)
        leaving = GrantStore(tmp_path, "file", clock=clock, lock_patience=0.05)
        await renewing.write(PLACE, GRANT)
        since = clock.now
        async with renewing.locked(PLACE):
            assert (await leaving.forget(PLACE)).grant == GRANT
            assert await renewing.renew(PLACE, NEWER, since) is None
        assert await grant_in(renewing) is None


@pytest.mark.parametrize("kind", ["file", "keyring"])
async def test_what_is_for_no_place_any_more_is_found_by_the_name_of_its_server(
    tmp_path: Path, keyring: FakeKeyring, kind: OAuthStore
) -> None:
    store = GrantStore(tmp_path, kind)
    await store.write(PLACE, GRANT, "web")
    await store.write(OTHER, NEWER, "other")
    (one,) = await store.left_over([PLACE])
    assert (one.server, one.principal, one.grant) == ("other", "laptop", NEWER)
    assert (await store.forget_left_over(one)).grant == NEWER
    assert await store.left_over([PLACE]) == []
    assert [left.server for left in await store.left_over([])] == ["web"]


async def test_a_renewal_keeps_the_name_and_what_never_had_one_goes_by_its_host(tmp_path: Path) -> None:
    store = GrantStore(tmp_path, "file")
    await store.write(OTHER, msgspec.structs.replace(GRANT, url=OTHER.url))
    await store.write(PLACE, GRANT, "web")
    kept = await store.read(PLACE)
    assert kept is not None
    assert await store.renew(PLACE, NEWER, kept.written_at) is not None
    assert sorted(one.server for one in await store.left_over([])) == ["other.example.org", "web"]


async def test_where_nobody_ever_signed_in_nothing_is_left_over(tmp_path: Path) -> None:
    assert await GrantStore(tmp_path, "file").left_over([PLACE]) == []

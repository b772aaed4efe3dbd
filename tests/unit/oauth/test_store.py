"""Where grants are kept: files, and a keyring that comes and goes."""

from __future__ import annotations

from pathlib import Path

import pytest

from mcpool.config.expand import SecretsError
from mcpool.errors import ConfigError
from mcpool.oauth import store as module
from mcpool.oauth.grant import Grant, Place
from mcpool.oauth.store import GrantStore

PLACE = Place("https://example.org/mcp", "")
GRANT = Grant(url=PLACE.url, issuer="i", client={"client_id": "c"}, access_token="acc3ss")


@pytest.fixture
def keyring(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    kept: dict[str, str] = {}
    monkeypatch.setattr(module, "keyring_works", lambda: True)
    monkeypatch.setattr(module, "keyring_secret", kept.get)
    monkeypatch.setattr(module, "store_keyring_secret", kept.__setitem__)

    def delete(name: str) -> bool:
        return kept.pop(name, None) is not None

    monkeypatch.setattr(module, "delete_keyring_secret", delete)
    return kept


def test_a_grant_is_found_again_for_its_place_only(tmp_path: Path) -> None:
    GrantStore(tmp_path, "file").write(PLACE, GRANT)
    store = GrantStore(tmp_path, "file")
    assert store.read(PLACE) == GRANT
    assert store.read(Place(PLACE.url, "laptop")) is None
    assert store.read(Place(PLACE.url, "", "https://example.org")) is None


def test_a_deleted_grant_is_gone(tmp_path: Path) -> None:
    store = GrantStore(tmp_path, "file")
    store.write(PLACE, GRANT)
    assert [store.delete(PLACE), store.delete(PLACE), store.read(PLACE)] == [True, False, None]


def test_another_home_gives_a_file_another_name(tmp_path: Path) -> None:
    names: set[str] = set()
    for home in (tmp_path / "a", tmp_path / "b"):
        home.mkdir()
        GrantStore(home, "file").write(PLACE, GRANT)
        names |= {file.name for file in (home / "oauth").iterdir()}
    assert len(names) == 2


def test_a_file_that_is_no_grant_counts_as_none(tmp_path: Path) -> None:
    store = GrantStore(tmp_path, "file")
    store.write(PLACE, GRANT)
    (file,) = (tmp_path / "oauth").iterdir()
    file.write_text("not a grant")
    assert store.read(PLACE) is None


def test_a_file_that_cannot_be_read_is_told_with_its_name(tmp_path: Path) -> None:
    store = GrantStore(tmp_path, "file")
    store.write(PLACE, GRANT)
    (file,) = (tmp_path / "oauth").iterdir()
    file.unlink()
    file.mkdir()
    with pytest.raises(ConfigError, match=file.name):
        store.read(PLACE)


def test_by_itself_it_takes_the_keyring_and_still_finds_what_is_in_files(
    tmp_path: Path, keyring: dict[str, str]
) -> None:
    GrantStore(tmp_path, "file").write(PLACE, GRANT)
    store = GrantStore(tmp_path, "auto")
    assert store.read(PLACE) == GRANT
    store.write(PLACE, GRANT)
    assert len(keyring) == 1
    assert list((tmp_path / "oauth").glob("*.json")) == []


def test_the_wish_of_a_new_configuration_counts(tmp_path: Path, keyring: dict[str, str]) -> None:
    store = GrantStore(tmp_path, "file")
    assert store.read(PLACE) is None
    store.keep_in("keyring")
    store.write(PLACE, GRANT)
    assert len(keyring) == 1


def test_a_keyring_that_is_locked_is_told_with_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def locked(name: str) -> str:
        raise SecretsError("it is locked", "unlock it")

    monkeypatch.setattr(module, "keyring_secret", locked)
    with pytest.raises(ConfigError, match=r'it is locked; unlock it; .*mcp_oauth_credentials_store = "file"'):
        GrantStore(tmp_path, "keyring").read(PLACE)


async def test_a_grant_that_another_process_renews_is_waited_for_no_longer_than_told(tmp_path: Path) -> None:
    one, other = GrantStore(tmp_path, "file"), GrantStore(tmp_path, "file")
    async with one.locked(PLACE):
        with pytest.raises(TimeoutError):
            async with other.locked(PLACE, patience=0.05):
                pass
    async with other.locked(PLACE, patience=5):
        pass

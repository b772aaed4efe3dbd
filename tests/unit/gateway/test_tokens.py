"""Token files, and whom they let in."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from mcpool.errors import DaemonError
from mcpool.gateway.tokens import TokenStore


def test_created_token_is_private_and_lets_its_principal_in(tmp_path: Path) -> None:
    store = TokenStore(tmp_path)
    path = store.create("laptop")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert store.principal_of(store.read("laptop")) == "laptop"
    assert store.names() == ("laptop",)


def test_create_keeps_what_exists(tmp_path: Path) -> None:
    store = TokenStore(tmp_path)
    store.create()
    token = store.read()
    store.create()
    assert store.read() == token


def test_other_tokens_let_nobody_in(tmp_path: Path) -> None:
    store = TokenStore(tmp_path)
    store.create()
    for token in ("", "x", store.read() + "x", store.read()[:-1], "\udcff"):
        assert store.principal_of(token) is None


def test_token_made_by_another_process_counts(tmp_path: Path) -> None:
    store = TokenStore(tmp_path)
    store.create("a")
    assert store.principal_of("unknown") is None
    other = TokenStore(tmp_path)
    other.create("b")
    store.look_again()
    assert store.principal_of(other.read("b")) == "b"


def test_removed_token_lets_nobody_in(tmp_path: Path) -> None:
    store = TokenStore(tmp_path)
    path = store.create("a")
    token = store.read("a")
    assert store.principal_of(token) == "a"
    path.unlink()
    store.look_again()
    assert store.principal_of(token) is None


def test_revoked_tokens_are_told_once(tmp_path: Path) -> None:
    store = TokenStore(tmp_path)
    paths = {name: store.create(name) for name in ("gone", "new", "kept")}
    store.principal_of("")
    paths["gone"].unlink()
    paths["new"].unlink()
    store.create("new")
    assert store.revoked() == {"gone", "new"}
    assert store.revoked() == frozenset()


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "../x", ".hidden", "a\n", "x" * 65, "é"])
def test_name_that_is_no_file_name_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(DaemonError, match="token name"):
        TokenStore(tmp_path).create(name)


@pytest.mark.parametrize("content", ["", "short", "x" * 5000, "täglich-ein-neues-token"])
def test_file_that_holds_no_token_is_none(tmp_path: Path, content: str) -> None:
    store = TokenStore(tmp_path)
    store.create("good")
    bad = tmp_path / "tokens" / "bad"
    bad.write_text(content, encoding="utf-8")
    os.chmod(bad, 0o600)
    with pytest.raises(DaemonError, match="bad"):
        store.read("bad")
    assert store.principal_of(content) is None
    assert store.principal_of(store.read("good")) == "good"


def test_no_folder_means_nobody_gets_in(tmp_path: Path) -> None:
    assert TokenStore(tmp_path / "none").principal_of("x" * 40) is None
    assert TokenStore(tmp_path / "none").names() == ()

"""The keyring, and its absence."""

from __future__ import annotations

import sys
import threading
from pathlib import Path
from types import ModuleType

import pytest
from keyring.errors import KeyringLocked, NoKeyringError

from mcpool.config import load
from mcpool.config.expand import SecretsError
from mcpool.config.secrets import NoKeyring, PatientKeyring, keyring_secret, store_keyring_secret


@pytest.fixture
def keyring(monkeypatch: pytest.MonkeyPatch) -> dict[tuple[str, str], str]:
    """A keyring in memory in place of the package."""
    entries: dict[tuple[str, str], str] = {}
    module = ModuleType("keyring")
    module.__dict__.update(
        get_password=lambda service, name: entries.get((service, name)),  # type: ignore[misc]
        set_password=lambda service, name, value: entries.__setitem__((service, name), value),  # type: ignore[misc]
    )
    monkeypatch.setitem(sys.modules, "keyring", module)
    return entries


def test_what_is_stored_is_found_under_mcpools_own_service(keyring: dict[tuple[str, str], str]) -> None:
    store_keyring_secret("a/TOKEN", "t")

    assert keyring == {("mcpool", "a/TOKEN"): "t"}
    assert keyring_secret("a/TOKEN") == "t"
    assert keyring_secret("other") is None


def test_load_asks_the_systems_keyring_by_default(tmp_path: Path, keyring: dict[tuple[str, str], str]) -> None:
    keyring["mcpool", "k"] = "s3"

    config = load({"mcpServers": {"a": {"command": "x", "args": ["${keyring:k}"]}}}, home=tmp_path, environ={})

    assert config.problems == ()
    assert getattr(config.servers[0].transport, "args", None) == ("s3",)


def test_given_a_keyring_that_hangs_then_each_server_that_needs_it_says_so_and_the_wait_is_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    unlocked = threading.Event()

    def hang(_: str, name: str) -> str:
        asked.append(name)
        unlocked.wait()
        return "s3"

    module = ModuleType("keyring")
    module.__dict__.update(get_password=hang)
    monkeypatch.setitem(sys.modules, "keyring", module)
    secret = PatientKeyring(0.05).secret
    entries = {name: {"command": "x", "env": {"K": f"${{keyring:{name}}}"}} for name in "abc"}
    source = {"mcpServers": {**entries, "free": {"command": "x"}}}

    config = load(source, home=tmp_path, environ={}, secret=secret)
    assert [server.name for server in config.servers] == ["free"]
    assert [problem.message for problem in config.problems] == [
        f"`${{keyring:{name}}}`: the system's keyring did not answer within 0.05 s" for name in "abc"
    ]
    assert all("unlock it" in problem.remedy for problem in config.problems)
    assert len(asked) <= 1, "what hangs is asked once"

    unlocked.set()
    while load(source, home=tmp_path, environ={}, secret=secret).problems:
        assert len(asked) < 1000
    assert set(asked) == {"a", "b", "c"}


def test_given_no_keyring_package_then_the_problem_says_how_to_install_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "keyring", None)

    config = load({"mcpServers": {"a": {"command": "x", "args": ["${keyring:k}"]}}}, home=tmp_path, environ={})

    assert [problem.remedy for problem in config.problems] == ["install it: `pip install 'mcpool[keyring]'`"]


@pytest.mark.parametrize(
    ("error", "kind"), [(NoKeyringError, NoKeyring), (KeyringLocked, SecretsError), (RuntimeError, SecretsError)]
)
def test_given_a_keyring_that_refuses_then_the_error_says_why_and_whether_there_is_one(
    monkeypatch: pytest.MonkeyPatch, error: type[Exception], kind: type[SecretsError]
) -> None:
    def refuse(*_: str) -> None:
        raise error("No recommended backend was available.\nmore")

    module = ModuleType("keyring")
    module.__dict__.update(get_password=refuse, set_password=refuse)
    monkeypatch.setitem(sys.modules, "keyring", module)

    with pytest.raises(SecretsError, match="No recommended backend was available") as told:
        keyring_secret("k")
    assert type(told.value) is kind
    with pytest.raises(SecretsError, match="No recommended backend was available"):
        store_keyring_secret("k", "v")

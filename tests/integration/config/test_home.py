"""The folder of mcpool's own files."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from mcpool.config.home import ensure_home, home_dir, home_key
from mcpool.errors import ConfigError


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({"HOME": "/home/ada"}, "/home/ada/.mcpool"),
        ({"HOME": "/home/ada", "MCPOOL_HOME": "/srv/pool"}, "/srv/pool"),
        ({"HOME": "/home/ada", "MCPOOL_HOME": "~/pool"}, "/home/ada/pool"),
        ({"HOME": "/home/ada", "MCPOOL_HOME": ""}, "/home/ada/.mcpool"),
    ],
)
def test_the_home_folder_is(environ: dict[str, str], expected: str) -> None:
    assert home_dir(environ) == Path(expected)


def test_a_relative_home_becomes_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    assert home_dir({"MCPOOL_HOME": "pool"}) == Path.cwd() / "pool"


def test_without_HOME_the_users_own_home_is_taken() -> None:  # noqa: N802
    assert home_dir({}) == Path.home() / ".mcpool"


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_given_no_folder_then_it_is_made_for_this_user_alone_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        home = ensure_home(tmp_path / "new" / "home")
    finally:
        os.umask(before)

    assert mode(home) == 0o700


def test_given_a_folder_open_to_others_then_it_is_closed_to_them(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)

    ensure_home(tmp_path)

    assert mode(tmp_path) == 0o700


def test_given_a_file_in_its_place_then_the_error_says_so(tmp_path: Path) -> None:
    (tmp_path / "home").touch()

    with pytest.raises(ConfigError, match="is not a folder"):
        ensure_home(tmp_path / "home")


def test_given_a_place_that_cannot_hold_a_folder_then_the_error_names_it(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(ConfigError, match="could not be created"):
        ensure_home(tmp_path / "file" / "home")


def test_given_somebody_elses_folder_then_it_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: tmp_path.stat().st_uid + 1)

    with pytest.raises(ConfigError, match="belongs to another user"):
        ensure_home(tmp_path)


def test_the_key_of_a_home_is_made_once_and_for_its_owner_alone(tmp_path: Path) -> None:
    key = home_key(tmp_path)

    assert (home_key(tmp_path), len(key)) == (key, 32)
    assert mode(tmp_path / "key") == 0o600
    assert [file.name for file in tmp_path.iterdir()] == ["key"]


def test_a_key_of_another_length_is_refused_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "key").write_bytes(b"short")

    with pytest.raises(ConfigError, match="must hold 32 bytes and holds 5; remove it"):
        home_key(tmp_path)

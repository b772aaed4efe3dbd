"""Replacing our file."""

from __future__ import annotations

import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from mcpool.config import writing
from mcpool.config.writing import can_edit, edit_config, read_config, swap, write_config
from mcpool.errors import ConfigError


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_file_is_read_exactly_and_a_missing_one_is_empty(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_bytes(b"\xef\xbb\xbfa = 1\r\n")

    assert read_config(tmp_path / "config.toml") == "\ufeffa = 1\r\n"
    assert read_config(tmp_path / "nope.toml") == ""


def test_given_a_file_that_cannot_be_read_then_the_error_names_it(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_bytes(b"\xff")

    with pytest.raises(ConfigError, match=r"config\.toml: is not valid UTF-8"):
        read_config(tmp_path / "config.toml")
    with pytest.raises(ConfigError, match="could not be read: Is a directory"):
        read_config(tmp_path)


def test_a_new_file_is_private_and_has_no_backup(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"

    assert write_config(file, "ä = 1\r\n") is None
    assert file.read_bytes() == "ä = 1\r\n".encode()
    assert mode(file) == 0o600


def test_the_old_content_goes_to_a_private_backup(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text("old")
    file.chmod(0o644)

    backup = write_config(file, "new")

    assert backup is not None
    assert backup == tmp_path / "config.toml.bak"
    assert (backup.read_text(), mode(backup)) == ("old", 0o600)
    assert (file.read_text(), mode(file)) == ("new", 0o600)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["config.toml", "config.toml.bak"]


def test_a_link_stays_a_link_and_its_target_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "dotfiles").mkdir()
    target = tmp_path / "dotfiles" / "mcpool.toml"
    target.write_text("old")
    link = tmp_path / "config.toml"
    link.symlink_to(target)

    write_config(link, "new")

    assert link.is_symlink()
    assert target.read_text() == "new"


def test_given_a_failure_at_the_last_moment_then_the_file_is_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "config.toml"
    file.write_text("old")
    replace = os.replace

    def fail(source: str, target: Path) -> None:
        if target == file:
            raise OSError(28, "No space left on device")
        replace(source, target)

    monkeypatch.setattr(os, "replace", fail)

    with pytest.raises(ConfigError, match="No space left on device"):
        write_config(file, "new")
    assert file.read_text() == "old"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["config.toml", "config.toml.bak"]


def test_given_a_folder_that_is_missing_then_the_error_names_the_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nope/config\.toml: could not be written"):
        write_config(tmp_path / "nope" / "config.toml", "x")


def edited(path: Path, old: str = "old", new: str = "new") -> None:
    edit_config(path, lambda text: text.replace(old, new))


def test_an_edit_keeps_the_mode_and_leaves_nothing_beside_the_file(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_bytes(b"old\r\n")
    for permissions in (0o600, 0o644, 0o640):
        file.chmod(permissions)

        edited(file)

        assert (file.read_bytes(), mode(file)) == (b"new\r\n", permissions)
        assert list(tmp_path.iterdir()) == [file]
        edited(file, "new", "old")


def test_an_edit_of_nothing_does_not_touch_the_file(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text("text")
    before = file.stat()

    edited(file)

    assert file.stat() == before


def test_an_edit_follows_a_link(tmp_path: Path) -> None:
    target = tmp_path / "dotfiles.toml"
    target.write_text("old")
    link = tmp_path / "config.toml"
    link.symlink_to(target)

    edited(link)

    assert link.is_symlink()
    assert target.read_text() == "new"


def test_given_a_file_that_changed_meanwhile_then_it_is_not_overwritten(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text("old")

    def slow(text: str) -> str:
        file.write_text("what somebody else wrote")
        return "new"

    with pytest.raises(ConfigError, match="was changed by somebody else at the same moment; nothing was written"):
        edit_config(file, slow)
    assert file.read_text() == "what somebody else wrote"
    assert list(tmp_path.iterdir()) == [file]


def test_edits_at_the_same_time_lose_nothing(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text("")

    def add(number: int) -> None:
        edit_config(file, lambda text: f"{text}{number}\n")

    with ThreadPoolExecutor(4) as workers:
        list(workers.map(add, range(12)))
    assert sorted(map(int, file.read_text().split())) == list(range(12))


def test_an_edit_waits_for_another_for_a_while_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writing, "LOCK_WAIT", 0.05)
    file = tmp_path / "config.toml"
    file.write_text("old")

    with pytest.raises(ConfigError, match="another program has been writing there"):
        edit_config(file, lambda text: text + str(edited(file)))
    assert file.read_text() == "old"


def test_what_is_missing_or_in_the_way_of_an_edit_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"config\.toml: could not be written"):
        edited(tmp_path / "config.toml")
    assert not can_edit(tmp_path / "config.toml")
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(ConfigError, match="could not be written"):
        edited(tmp_path / "loop")
    assert not can_edit(tmp_path / "loop")


def test_the_file_of_another_user_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "config.toml"
    file.write_text("old")
    assert can_edit(file)
    monkeypatch.setattr(os, "geteuid", lambda: file.stat().st_uid + 1)

    assert not can_edit(file)
    with pytest.raises(ConfigError, match="belongs to another user"):
        edited(file)
    assert file.read_text() == "old"


class TestSwap:
    def test_only_what_was_seen_is_replaced(self, tmp_path: Path) -> None:
        file = tmp_path / "file"
        file.write_bytes(b"theirs")
        with pytest.raises(ConfigError, match="changed by somebody else"):
            swap(file, b"ours", unchanged=b"seen", checked=True)
        assert file.read_bytes() == b"theirs"
        swap(file, b"ours", unchanged=b"theirs", checked=True)
        assert file.read_bytes() == b"ours"

    def test_a_file_that_came_meanwhile_is_not_replaced(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        file = tmp_path / "file"
        write = os.fsync

        def comes(handle: int) -> None:
            write(handle)
            file.write_bytes(b"theirs")

        monkeypatch.setattr(os, "fsync", comes)
        with pytest.raises(ConfigError, match="changed by somebody else"):
            swap(file, b"ours", unchanged=None, checked=True)
        assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"theirs"]

    def test_a_file_goes_only_if_it_is_as_it_was_seen(self, tmp_path: Path) -> None:
        file = tmp_path / "file"
        file.write_bytes(b"theirs")
        with pytest.raises(ConfigError):
            swap(file, None, unchanged=b"seen", checked=True)
        swap(file, None, unchanged=b"theirs", checked=True)
        assert not file.exists()

    def test_mode_and_link_stay_and_a_new_file_is_private(self, tmp_path: Path) -> None:
        kept, link, new = tmp_path / "kept", tmp_path / "link", tmp_path / "folder" / "new"
        kept.write_bytes(b"1")
        kept.chmod(0o640)
        link.symlink_to(kept)
        swap(link, b"2", unchanged=b"1", checked=True)
        assert (link.is_symlink(), kept.read_bytes(), kept.stat().st_mode & 0o777) == (True, b"2", 0o640)
        swap(new, b"3")
        assert new.stat().st_mode & 0o777 == 0o600

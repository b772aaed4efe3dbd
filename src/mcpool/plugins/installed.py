"""Plugins that the user installed on this machine, in the order in which that happened. Each is a copy, or a link."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

from mcpool.config.private_record import PrivateRecord
from mcpool.config.table import as_list, as_table
from mcpool.errors import ConfigError
from mcpool.plugins.manifest import NAME

FOLDER = "plugins"
RECORD = "plugins.json"
"""Both in the home."""

MOST_FILES = 20_000
MOST_BYTES = 512 * 1024 * 1024
"""Of a plugin that is copied."""

_DATA = ".data"
_NEW = ".new-"
_LEFT_OUT = frozenset({".git", "__pycache__"})


@dataclass(frozen=True, slots=True)
class Installed:
    """One of them."""

    name: str
    folder: Path
    linked: bool
    """It is used where it is, and changes as its folder does."""


class _Entry(TypedDict):
    name: str
    link: str | None


class InstalledPlugins:
    """Those of one home."""

    def __init__(self, home: Path) -> None:
        self._folder = home / FOLDER
        remedy = "remove it, and install your plugins anew"
        self._record = PrivateRecord[list[_Entry]](home / RECORD, _entries, list, remedy)

    @property
    def record(self) -> Path:
        """The file that says which there are."""
        return self._record.file

    def all(self) -> tuple[Installed, ...]:
        """In their order. Raises: ConfigError, if the record cannot be read."""
        return tuple(self._installed(name, link) for name, link in map(_parts, self._record.value()))

    def data(self, name: str) -> Path:
        """Where the servers of a plugin may keep what is to outlive its next version."""
        return self._folder / _DATA / name

    def add(self, source: Path, name: str, *, link: bool) -> Installed:
        """Install a plugin's folder under its name, in place of another version of it.

        Raises:
            ConfigError: it holds mcpool's own files or is one, or cannot be copied: it is too large, or a link in it
                leads out of it.
            OSError: as the system says.
        """
        source = source.resolve(strict=True)
        self._refuse_own(source)
        self._folder.mkdir(mode=0o700, exist_ok=True)
        self.data(name).mkdir(mode=0o700, parents=True, exist_ok=True)
        with self._record.changing() as record:
            self._forget_unfinished()
            new = None if link else self._copied(source)
            _removed(self._folder / name)
            if new is not None:
                new.rename(self._folder / name)
            entry: _Entry = {"name": name, "link": str(source) if link else None}
            before = [number for number, known in enumerate(record) if known["name"] == name]
            if before:
                record[before[0]] = entry
            else:
                record.append(entry)
        return self._installed(*_parts(entry))

    def remove(self, name: str) -> bool:
        """Take a plugin away, with what its servers kept; False if there is none. Raises: ConfigError, OSError."""
        if not NAME.fullmatch(name):
            return False
        with self._record.changing() as record:
            if all(entry["name"] != name for entry in record):
                return False
            record[:] = [entry for entry in record if entry["name"] != name]
            _removed(self._folder / name)
            _removed(self.data(name))
        return True

    def _installed(self, name: str, link: str | None) -> Installed:
        return Installed(name, self._folder / name if link is None else Path(link), link is not None)

    def _refuse_own(self, source: Path) -> None:
        folder = self._folder.resolve()
        if folder.is_relative_to(source) or source.is_relative_to(folder):
            raise ConfigError([f"{source} belongs to mcpool's own files; name the folder that the plugin comes from"])

    def _forget_unfinished(self) -> None:
        """What a copy left that was killed: only one at a time is made."""
        for left in self._folder.glob(f"{_NEW}*"):
            _removed(left)

    def _copied(self, source: Path) -> Path:
        _look_through(source)
        new = self._folder / f"{_NEW}{secrets.token_hex(8)}"
        try:
            shutil.copytree(source, new, symlinks=True, ignore=lambda _, names: _LEFT_OUT.intersection(names))
        except BaseException:
            _removed(new)
            raise
        return new


def _entries(value: object) -> list[_Entry]:
    listed = as_list(value)
    found: dict[str, _Entry] = {}
    for entry in [None] if listed is None else listed:
        table = as_table(entry) or {}
        name, link = table.get("name"), table.get("link")
        if not isinstance(name, str) or not NAME.fullmatch(name) or not isinstance(link, str | None):
            msg = "it is no list of plugins"
            raise ValueError(msg)
        found[name] = {"name": name, "link": link}
    return list(found.values())


def _parts(entry: _Entry) -> tuple[str, str | None]:
    return entry["name"], entry["link"]


def _look_through(source: Path) -> None:
    files = size = 0
    for path in _walk(source):
        if path.is_symlink() and (path.readlink().is_absolute() or not _real(path).is_relative_to(source)):
            raise ConfigError([f"{path} is a link that leads out of the plugin; put a copy there, or use `--link`"])
        files, size = files + 1, size + path.lstat().st_size
        if files > MOST_FILES or size > MOST_BYTES:
            what = f"{source} has more than {MOST_FILES} files or {MOST_BYTES // 2**20} MiB"
            raise ConfigError([f"{what}; is it the folder of a plugin? `--link` uses it where it is"])


def _real(path: Path) -> Path:
    """`resolve` that takes links in a circle."""
    return Path(os.path.realpath(path))


def _walk(folder: Path) -> Iterator[Path]:
    for place, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if name not in _LEFT_OUT]
        yield from (Path(place, name) for name in (*folders, *files))


def _removed(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)

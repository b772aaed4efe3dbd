"""Plugins that the user installed on this machine, in the order in which that happened. Each is a copy, or a link."""

from __future__ import annotations

import os
import re
import secrets
import shutil
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NotRequired, TypedDict

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
_VERSION = re.compile(r"[0-9a-f]{16}")
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
    version: NotRequired[str]
    """Which copy counts; one that was made before copies had versions has none."""


class InstalledPlugins:
    """Those of one home.

    The record says which copy of a plugin counts, and is replaced whole: whoever looks, and whoever goes on after a
    kill, finds the version before or the new one. The one before stays until the next change, for what runs of it.
    """

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
        return tuple(map(self._installed, self._record.value()))

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
        with self._record.changing() as record:
            self._forget_unfinished()
            before = [number for number, known in enumerate(record) if known["name"] == name]
            self._forget_copies(name, [self._installed(record[number]).folder for number in before])
            self.data(name).mkdir(mode=0o700, parents=True, exist_ok=True)
            entry: _Entry = {"name": name, "link": str(source) if link else None}
            if not link:
                entry["version"] = self._copied(source, name)
            if before:
                record[before[0]] = entry
            else:
                record.append(entry)
        return self._installed(entry)

    def remove(self, name: str) -> bool:
        """Take a plugin away, with what its servers kept and what a removal left that was killed.

        False if there is none. Raises: ConfigError, OSError.
        """
        if not NAME.fullmatch(name):
            return False
        with self._record.changing() as record:
            there = any(entry["name"] == name for entry in record)
            record[:] = [entry for entry in record if entry["name"] != name]
        with self._record.changing() as record:  # only now it is gone for whoever looks
            if all(entry["name"] != name for entry in record):
                self._forget_copies(name, [])
                _removed(self.data(name))
        return there

    def _installed(self, entry: _Entry) -> Installed:
        name, link, version = entry["name"], entry["link"], entry.get("version")
        if link is not None:
            return Installed(name, Path(link), linked=True)
        return Installed(
            name, self._folder / name if version is None else self._copy(name, version) / name, linked=False
        )

    def _copy(self, name: str, version: str) -> Path:
        """What a copy lies in: its own folder has the plugin's name, as that may be all that names it."""
        return self._folder / f"{name}@{version}"  # no name holds an `@`

    def _refuse_own(self, source: Path) -> None:
        folder = self._folder.resolve()
        if folder.is_relative_to(source) or source.is_relative_to(folder):
            raise ConfigError([f"{source} belongs to mcpool's own files; name the folder that the plugin comes from"])

    def _forget_unfinished(self) -> None:
        """What a copy left that was killed: only one at a time is made."""
        for left in self._folder.glob(f"{_NEW}*"):
            _removed(left)

    def _forget_copies(self, name: str, but: Collection[Path]) -> None:
        for copy in (self._folder / name, *self._folder.glob(f"{name}@*")):
            if copy not in but and copy / name not in but:
                _removed(copy)

    def _copied(self, source: Path, name: str) -> str:
        """Make a copy, and say which version it is."""
        _look_through(source)
        version = secrets.token_hex(8)
        new = self._folder / f"{_NEW}{version}"
        new.mkdir(mode=0o700)
        try:
            shutil.copytree(source, new / name, symlinks=True, ignore=lambda _, names: _LEFT_OUT.intersection(names))
            new.rename(self._copy(name, version))
        except BaseException:
            _removed(new)
            raise
        return version


def _entries(value: object) -> list[_Entry]:
    listed = as_list(value)
    found: dict[str, _Entry] = {}
    for entry in [None] if listed is None else listed:
        table = as_table(entry) or {}
        name, link, version = table.get("name"), table.get("link"), table.get("version")
        if not isinstance(name, str) or not NAME.fullmatch(name) or not isinstance(link, str | None):
            msg = "it is no list of plugins"
            raise ValueError(msg)
        found[name] = {"name": name, "link": link}
        if version is not None:
            if not isinstance(version, str) or not _VERSION.fullmatch(version):
                msg = f"it has no usable version of `{name}`"
                raise ValueError(msg)
            found[name]["version"] = version
    return list(found.values())


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

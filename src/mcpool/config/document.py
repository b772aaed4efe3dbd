"""A configuration file, or a dict, read into values whose places are known."""

from __future__ import annotations

import hashlib
import json
import re
import stat
import tomllib
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from mcpool.config.locate_json import locate_json
from mcpool.config.locate_toml import locate_toml
from mcpool.config.problem import KeyPath, Problem, Report
from mcpool.config.table import Table, as_table

MAX_FILE_BYTES = 32 * 1024 * 1024
_READ = stat.S_IRGRP | stat.S_IROTH
_ENTER = stat.S_IXGRP | stat.S_IXOTH
GIVEN = "(given configuration)"
"""The file name in problems of a configuration that was given as a dict."""

_COMMENT = re.compile(r'("[^"\\]*(?:\\.[^"\\]*)*")|//[^\n]*|/\*.*?(?:\*/|\Z)', re.DOTALL)
_TRAILING_COMMA = re.compile(r'("[^"\\]*(?:\\.[^"\\]*)*")|,(?=\s*[}\]])', re.DOTALL)
_TOML_PLACE = re.compile(r"\s*\(at line (\d+), column \d+\)$")
_END_OF_TOML = re.compile(r"\s*\(at end of document\)$")


@dataclass(frozen=True, slots=True)
class Document:
    """The values of one source. `folder` is what a relative path in it is relative to."""

    file: str
    syntax: Literal["toml", "json", "dict"]
    data: Table = field(repr=False)
    folder: Path
    lines: dict[KeyPath, int] = field(default_factory=dict[KeyPath, int])
    repeated: tuple[KeyPath, ...] = ()
    readable_by_others: bool = False
    digest: str = ""
    """SHA-256 of the file's bytes, in hex; empty for a dict."""

    def line_of(self, path: KeyPath) -> int | None:
        """The line of a key path, or of the nearest table around it that has one."""
        for end in range(len(path), 0, -1):
            line = self.lines.get(path[:end])
            if line is not None:
                return line
        return None

    def report(self) -> Report:
        """An empty list of problems about this document."""
        return Report(self.file, self.line_of)


def read_document(path: Path) -> Document | Problem:
    """Read a TOML, JSON or JSONC file; what makes it unusable as a whole is returned as the one problem."""
    try:
        status = path.stat()
        if stat.S_ISREG(status.st_mode) and status.st_size > MAX_FILE_BYTES:
            remedy = f"a configuration may have {MAX_FILE_BYTES // 2**20} MiB; is this the right file?"
            return _unusable(path, None, f"is too large: {status.st_size} bytes", remedy)
        if stat.S_ISDIR(status.st_mode):
            return _unusable(path, None, "is a folder, not a file", "name the configuration file inside it")
        if not stat.S_ISREG(status.st_mode):
            return _unusable(path, None, "is not a regular file", "name a TOML or JSON file")
        raw = path.read_bytes()
        folder = path.absolute().parent
        readable_by_others = bool(status.st_mode & _READ and folder.stat().st_mode & _ENTER)
    except FileNotFoundError:
        return _unusable(path, None, "does not exist", "check the path, or create the file")
    except PermissionError:
        return _unusable(path, None, "may not be read by this user", f"mend its permissions: chmod u+r {path}")
    except (OSError, ValueError) as error:
        return _unusable(path, None, f"could not be read: {error}", "check the path and the disk")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        return _unusable(path, line, "is not valid UTF-8", "save the file as UTF-8")
    read = read_json if _looks_like_json(path, text) else read_toml
    document = read(str(path), text, folder, readable_by_others=readable_by_others)
    if isinstance(document, Problem):
        return document
    return replace(document, digest=hashlib.sha256(raw).hexdigest())


def read_toml(file: str, text: str, folder: Path, *, readable_by_others: bool = False) -> Document | Problem:
    """Values and places of a TOML text."""
    try:
        data = tomllib.loads(text.removeprefix("\ufeff"))
    except RecursionError:
        return Problem("error", file, None, "", "is nested too deeply", "flatten its tables")
    except ValueError as error:
        message, line = _toml_error(str(error), text)
        return Problem("error", file, line, "", f"is not valid TOML: {message}", "correct this line")
    return Document(file, "toml", data, folder, locate_toml(text), readable_by_others=readable_by_others)


def read_json(file: str, text: str, folder: Path, *, readable_by_others: bool = False) -> Document | Problem:
    """Values and places of a JSON text, which may have comments and trailing commas."""
    if not text.strip():
        return Document(file, "json", {}, folder, readable_by_others=readable_by_others)
    try:
        try:
            value: object = json.loads(text)
        except json.JSONDecodeError:
            text = without_comments(text)
            value = json.loads(text)
    except RecursionError:
        return Problem("error", file, None, "", "is nested too deeply", "flatten it")
    except json.JSONDecodeError as error:
        return Problem("error", file, error.lineno, "", f"is not valid JSON: {error.msg}", "correct this line")
    except ValueError as error:
        return Problem("error", file, None, "", f"is not valid JSON: {error}", "shorten that number")
    data = as_table(value)
    if data is None:
        return Problem("error", file, 1, "", "is JSON, but not an object", 'write {"mcpServers": {...}}')
    places = locate_json(text)
    return Document(file, "json", data, folder, places.lines, tuple(places.repeated), readable_by_others)


def without_comments(text: str) -> str:
    """JSON from JSONC: comments and trailing commas become blanks, so that every line stays where it was."""
    text = _COMMENT.sub(lambda match: match[1] or re.sub(r"[^\n]", " ", match[0]), text)
    return _TRAILING_COMMA.sub(lambda match: match[1] or " ", text)


def _looks_like_json(path: Path, text: str) -> bool:
    suffix = path.suffix.lower()
    if suffix in (".json", ".jsonc", ".json5"):
        return True
    if suffix == ".toml":
        return False
    return _COMMENT.sub(lambda match: match[1] or "", text[:4096]).lstrip().startswith("{")


def _toml_error(message: str, text: str) -> tuple[str, int | None]:
    match = _TOML_PLACE.search(message)
    if match:
        return message[: match.start()], int(match[1])
    match = _END_OF_TOML.search(message)
    if match:
        return f"{message[: match.start()]} at its end", max(1, len(text.splitlines()))
    return message, None


def _unusable(path: Path, line: int | None, message: str, remedy: str) -> Problem:
    return Problem("error", str(path), line, "", message, remedy)

"""What is wrong with a configuration, said so that the reader can mend it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

KeyPath = tuple[str | int, ...]
"""The way to a value in a document: table keys and list indexes."""

_BARE = re.compile(r"[A-Za-z0-9_-]+")


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong: where it stands, what it is and what to do. `key` is "" where the whole file is meant."""

    severity: Literal["error", "warning"]
    file: str
    line: int | None
    key: str
    message: str
    remedy: str

    def concerns(self, server: str) -> bool:
        """Whether it is about a server of this name, and not about one that is called almost so."""
        return f".{server}." in f".{self.key}."

    def __str__(self) -> str:
        place = self.file if self.line is None else f"{self.file}:{self.line}"
        subject = f"{self.key}: " if self.key else ""
        return f"{place}: {subject}{self.message}; {self.remedy}"


def dotted(path: KeyPath) -> str:
    """The path as a TOML user writes it: `mcp_servers."a b".args[2]`."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
            continue
        name = part if _BARE.fullmatch(part) else '"' + part.replace("\\", "\\\\").replace('"', '\\"') + '"'
        text += f".{name}" if text else name
    return text


class Report:
    """Collects the problems of one document; `line_of` knows where its keys stand."""

    def __init__(self, file: str, line_of: Callable[[KeyPath], int | None]) -> None:
        self.file = file
        self.line_of = line_of
        self.error_count = 0
        self._problems: dict[Problem, None] = {}

    def error(self, path: KeyPath, message: str, remedy: str) -> None:
        """Add an error: what it is about is left out."""
        self._add("error", path, message, remedy)

    def warning(self, path: KeyPath, message: str, remedy: str) -> None:
        """Add a warning: what it is about is used all the same."""
        self._add("warning", path, message, remedy)

    @property
    def problems(self) -> list[Problem]:
        """What was added, in that order, each once."""
        return list(self._problems)

    def _add(self, severity: Literal["error", "warning"], path: KeyPath, message: str, remedy: str) -> None:
        problem = Problem(severity, self.file, self.line_of(path), dotted(path), message, remedy)
        self._problems[problem] = None
        self.error_count += severity == "error"


@dataclass(frozen=True, slots=True)
class Spot:
    """A place in a document, for a parser that has something to say about the value there."""

    report: Report
    path: KeyPath
    first_index: int = 0
    """What the first item of a list here is called in the document: 1 if the document has another before it."""

    def at(self, part: str | int) -> Spot:
        """The place of a value inside this one."""
        return Spot(self.report, (*self.path, part + self.first_index if isinstance(part, int) else part))

    def error(self, message: str, remedy: str) -> None:
        """Add an error about this place."""
        self.report.error(self.path, message, remedy)

    def warning(self, message: str, remedy: str) -> None:
        """Add a warning about this place."""
        self.report.warning(self.path, message, remedy)

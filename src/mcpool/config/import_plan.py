"""What an import would do, as a value to show before anything is written."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, replace

from mcpool.config.literal_secrets import LiteralSecret
from mcpool.config.problem import KeyPath, Problem
from mcpool.config.table import as_list, as_table


@dataclass(frozen=True, slots=True)
class Addition:
    """One server to add."""

    name: str
    """What it will be called; `original_name` is what it is called where it was found."""
    original_name: str
    host: str
    file: str
    line: int | None
    table: Mapping[str, object]
    """Its table in our keys, as it will be written."""
    secrets: tuple[LiteralSecret, ...] = ()
    """Secrets that stand in the table as they are."""
    also_in: tuple[str, ...] = ()
    """Where else the same definition was found: `HOST (FILE)`."""
    notes: tuple[str, ...] = ()
    """What was decided for it, and why, for the user to read."""

    @property
    def essence(self) -> str:
        """How it is reached, in one line: URL or command; secrets as the references that could replace them."""
        table = with_references(self.table, self.secrets)
        if "url" in table:
            return str(table["url"])
        return shlex.join(map(str, [table.get("command", ""), *(as_list(table.get("args")) or [])]))


@dataclass(frozen=True, slots=True)
class Skipped:
    """One server that needs no adding."""

    name: str
    host: str
    file: str
    reason: str


@dataclass(frozen=True, slots=True)
class Taken:
    """Where a server of another host stands, and what ours calls it, or will once the plan is carried out."""

    file: str
    path: KeyPath
    name: str


@dataclass(frozen=True, slots=True)
class ImportPlan:
    """What would be added, what need not be, and what is wrong with what was found."""

    files: tuple[str, ...]
    """The files that were read, those without servers included."""
    added: tuple[Addition, ...]
    skipped: tuple[Skipped, ...]
    problems: tuple[Problem, ...]
    taken: tuple[Taken, ...] = ()
    """Every server that is found in ours too, those included that need no adding."""

    @property
    def secrets(self) -> tuple[LiteralSecret, ...]:
        """All secrets that would be written out."""
        return tuple(secret for addition in self.added for secret in addition.secrets)


def with_keyring(plan: ImportPlan) -> tuple[ImportPlan, dict[str, str]]:
    """The plan with references in place of its secrets, and those secrets by the name to store each under first."""
    stored = {secret.name: secret.value for secret in plan.secrets}
    return replace(plan, added=tuple(_without_secrets(addition) for addition in plan.added)), stored


def with_references(table: Mapping[str, object], secrets: tuple[LiteralSecret, ...]) -> dict[str, object]:
    """The table with each secret replaced by its reference."""
    result: object = dict(table)
    for secret in secrets:
        result = _replaced(result, secret.path, secret.reference)
    return dict(as_table(result) or {})


def _without_secrets(addition: Addition) -> Addition:
    return replace(addition, table=with_references(addition.table, addition.secrets), secrets=())


def _replaced(value: object, path: KeyPath, text: str) -> object:
    if not path:
        return text
    first = path[0]
    items = as_list(value)
    if items is not None and isinstance(first, int):
        return [_replaced(item, path[1:], text) if index == first else item for index, item in enumerate(items)]
    table = as_table(value)
    if table is not None and isinstance(first, str):
        return {key: _replaced(item, path[1:], text) if key == first else item for key, item in table.items()}
    return value

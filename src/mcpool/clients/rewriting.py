"""A client's file as text: read, and changed so that it means exactly what it should, or not at all."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from mcpool.clients.change import Changes, carried_out
from mcpool.clients.json_edit import change_json
from mcpool.clients.toml_edit import change_toml
from mcpool.config.document import Document, read_json, read_toml
from mcpool.config.problem import Problem
from mcpool.config.table import Table, as_table
from mcpool.errors import ConfigError


def data_of(file: Path, text: str) -> Table:
    """The values of a client's file, whose text this is.

    Raises:
        ConfigError: it is broken; the error says where.
    """
    if file.suffix != ".toml":
        # Some clients' files are large: what is plain JSON needs no look at its lines.
        with suppress(ValueError, RecursionError):
            plain = as_table(json.loads(text.removeprefix("\ufeff")))
            if plain is not None:
                return plain
    return parsed(file, text).data


def parsed(file: Path, text: str) -> Document:
    """The same, with places.

    Raises:
        ConfigError: it is broken; the error says where.
    """
    read = read_toml if file.suffix == ".toml" else read_json
    document = read(str(file), text.removeprefix("\ufeff"), file.parent)
    if isinstance(document, Problem):
        raise ConfigError([f"{document}; nothing was changed"])
    return document


def rewritten(file: Path, text: str, changes: Changes, preferred: str | None = None) -> str:
    """The text with the changes carried out: everything else keeps its place, its comments and its form.

    `preferred` is taken if it means the same.

    Raises:
        ConfigError: it is broken, or written in a way that this is not possible without touching anything else.
    """
    try:
        original = data_of(file, changes.original)
        expected = carried_out(data_of(file, text), changes, original)
        for candidate in _candidates(file, text, changes, preferred):
            if _means(file, candidate, expected):
                return candidate
    except RecursionError:
        pass
    except ConfigError as error:
        raise ConfigError([str(error) if str(file) in str(error) else f"{file}: {error}"]) from error
    msg = f"{file}: is written in a way that mcpool cannot edit without touching other settings; nothing was changed"
    raise ConfigError([msg])


def _candidates(file: Path, text: str, changes: Changes, preferred: str | None) -> Iterator[str]:
    if preferred is not None:
        yield preferred
    if file.suffix == ".toml":
        yield from change_toml(text, changes)
    else:
        yield change_json(text, changes)


def _means(file: Path, text: str, expected: dict[str, object]) -> bool:
    try:
        return data_of(file, text) == expected
    except ConfigError:
        return False

"""A client's file as text: read, and changed so that it means exactly what it should, or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from mcpool.clients.change import Changes, carried_out
from mcpool.clients.json_edit import change_json
from mcpool.clients.toml_edit import change_toml
from mcpool.config.document import Document, read_json, read_toml
from mcpool.config.problem import Problem
from mcpool.errors import ConfigError


def parsed(file: Path, text: str) -> Document:
    """The values of a client's file, whose text this is.

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
        original = parsed(file, changes.original).data
        expected = carried_out(parsed(file, text).data, changes, original)
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
        return parsed(file, text).data == expected
    except ConfigError:
        return False

"""Adding to and taking from the text of `environments.toml`, comments and all."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from typing import Any

from mcpool.config.locate_toml import toml_tables, whole_lines
from mcpool.config.merging import inline_value
from mcpool.config.table import as_table
from mcpool.errors import ConfigError

_TABLE = "environments"


def known_environments(text: str) -> tuple[str, ...]:
    """The ids that a text describes. Raises: ConfigError, if it is no TOML or has something else in its place."""
    try:
        found = as_table(tomllib.loads(text.removeprefix("\ufeff")).get(_TABLE, {}))
    except (ValueError, RecursionError) as error:
        raise ConfigError([f"environments.toml: is not valid TOML: {error}; correct it first"]) from None
    if found is None:
        raise ConfigError(["environments.toml: `environments` must be a table; write [environments.NAME]"])
    return tuple(found)


def with_environment(text: str, id: str, settings: Mapping[str, str]) -> str:
    """The text with one more environment. Raises: ConfigError, as `known_environments`."""
    import tomlkit

    if id in known_environments(text):
        raise ConfigError([f"environment `{id}`: there is one already; `mcpool env remove {id}` takes it away"])
    lines = [f"[{_TABLE}.{id}]", *(f"{key} = {inline_value(value).as_string()}" for key, value in settings.items())]
    block = "\n".join(lines) + "\n"
    if not text.strip():
        return text + block
    added = text + ("" if text.endswith("\n") else "\n") + "\n" + block
    try:
        known_environments(added)
    except ConfigError:  # `environments = { ... }`, which no header can add to
        document: Any = tomlkit.parse(text)
        document[_TABLE][id] = inline_value(settings)
        return str(tomlkit.dumps(document))
    return added


def without_environment(text: str, id: str) -> str:
    """The text without that environment. Raises: ConfigError, if it is not in it."""
    import tomlkit

    known = known_environments(text)
    if id not in known:
        there = ", ".join(f"`{one}`" for one in known) or "none"
        raise ConfigError([f"environment `{id}`: environments.toml has none of this name; it has {there}"])
    bom = "\ufeff" if text.startswith("\ufeff") else ""
    text = text.removeprefix(bom)
    by_lines = _without_lines(text, id)
    if known_environments(by_lines) == tuple(one for one in known if one != id):
        return bom + by_lines
    document: Any = tomlkit.parse(text)
    del document[_TABLE][id]
    if not document[_TABLE]:
        del document[_TABLE]
    return bom + str(tomlkit.dumps(document))


def _without_lines(text: str, id: str) -> str:
    """Without the lines of its tables that have headers. Comments around them stay."""
    for table in reversed(toml_tables(text)):
        if table.path[:2] == (_TABLE, id):
            start, end = whole_lines(text, table.start, table.end)
            before, after = text[:start], text[end:]
            if not before or before.endswith(("\n\n", "\n\r\n")):
                after = after.lstrip("\r\n")  # what stood between two empty lines leaves one
            text = before + after
    return text

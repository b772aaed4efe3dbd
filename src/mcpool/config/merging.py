"""Writing an import plan into the text of our file. What is already there stays as it is, byte for byte."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from typing import Any

from mcpool.config.import_plan import Addition, ImportPlan
from mcpool.config.table import as_list, as_table
from mcpool.errors import ConfigError


def apply_import(plan: ImportPlan, text: str) -> str:
    """The text of our file with the plan's servers added.

    Raises:
        ConfigError: `text` is not valid TOML, or it already has a server of one of those names.
    """
    existing = _servers(text, "is not valid TOML")
    taken = [addition.name for addition in plan.added if addition.name in existing]
    if taken:
        msg = f"config.toml: it has a server `{taken[0]}` since the import was planned; plan the import again"
        raise ConfigError([msg])
    if not plan.added:
        return text
    added = {addition.name for addition in plan.added}
    for write in (_appended, _inserted):
        merged = write(plan, text)
        try:
            if set(_servers(merged, "")) == set(existing) | added:
                return merged
        except ConfigError:
            continue
    msg = "config.toml: `mcp_servers` is written in a way that nothing can be added to; write it as [mcp_servers.NAME]"
    raise ConfigError([msg])


def _appended(plan: ImportPlan, text: str) -> str:
    newline = "\r\n" if "\r\n" in text else "\n"
    blocks = [_block(addition) for addition in plan.added]
    addition = "\n".join(blocks).replace("\n", newline)
    if not text.strip():
        return text + addition
    return text + ("" if text.endswith("\n") else newline) + newline + addition


def _inserted(plan: ImportPlan, text: str) -> str:
    """For `mcp_servers = { ... }`, which no table header can add to."""
    import tomlkit

    document: Any = tomlkit.parse(text)
    for addition in plan.added:
        document["mcp_servers"][addition.name] = inline_value(addition.table)
    return str(tomlkit.dumps(document))


def _block(addition: Addition) -> str:
    import tomlkit

    header = f"mcp_servers.{addition.name}"
    lines = [f"# from {_comment(addition.host)}: {_comment(addition.file)}", f"[{header}]"]
    tables: list[str] = []
    for key, value in addition.table.items():
        inner = as_table(value)
        if inner is None:
            lines.append(f"{key} = {inline_value(value).as_string()}")
            continue
        tables += ["", f"[{header}.{key}]"]
        tables += [
            f"{tomlkit.key(name).as_string()} = {inline_value(item).as_string()}" for name, item in inner.items()
        ]
    return "\n".join([*lines, *tables]) + "\n"


def inline_value(value: object) -> Any:
    """A value as tomlkit writes it on one line."""
    import tomlkit

    items = as_list(value)
    if items is not None:
        array: Any = tomlkit.array()
        for item in items:
            array.append(inline_value(item))
        return array
    table = as_table(value)
    if table is None:
        return tomlkit.item(value)
    inline = tomlkit.inline_table()
    for key, item in table.items():
        inline[key] = inline_value(item)
    return inline


def _comment(text: str) -> str:
    return "".join(char if char.isprintable() else "?" for char in text)


def _servers(text: str, complaint: str) -> Mapping[str, object]:
    try:
        data = tomllib.loads(text.removeprefix("\ufeff"))
    except (ValueError, RecursionError) as error:
        msg = f"config.toml: {complaint}: {error}; correct it first (`mcpool config check` shows where)"
        raise ConfigError([msg]) from error
    return as_table(data.get("mcp_servers")) or {}

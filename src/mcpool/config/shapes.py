"""Where the servers stand in a document, whoever's format it is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

from mcpool.config.document import Document
from mcpool.config.problem import KeyPath, Report
from mcpool.config.table import Table, as_list, as_table, kind

Dialect = Literal["mcpool", "foreign"]


@dataclass(frozen=True, slots=True)
class RawEntry:
    """One server as it is written. `project` is the folder of the project that it is limited to, if any."""

    name: str
    value: object
    path: KeyPath
    dialect: Dialect
    project: str | None = None
    off: bool = False
    """Turned off elsewhere in the document than in its own table."""


def find_entries(document: Document, report: Report) -> list[RawEntry]:
    """Every server of the document, in its order; what should hold servers and doesn't goes to the report."""
    data = document.data
    found: list[RawEntry] = []
    off = _switched_off(data)
    for path, dialect in _places(data):
        found += [replace(raw, off=raw.name in off) for raw in _inside(data, path, dialect, report)]
    projects = as_table(data.get("projects")) or {}
    for folder, project in projects.items():
        if as_table(project) is not None and document.syntax != "toml":
            path = ("projects", folder, "mcpServers")
            found += [replace(raw, project=folder) for raw in _inside(data, path, "foreign", report)]
    if document.syntax == "dict":
        data = {name: value for name, value in data.items() if name != CONNECTORS}
    if not found and document.syntax != "toml" and _is_bare_map(data):
        found = [RawEntry(name, value, (name,), "foreign") for name, value in data.items()]
    return found


def _switched_off(data: Table) -> frozenset[str]:
    control = as_table(data.get("mcp")) or {}
    excluded = {name for name in as_list(control.get("excluded")) or [] if isinstance(name, str)}
    allowed = as_list(control.get("allowed"))
    if allowed is not None:
        excluded |= {name for name in as_table(data.get("mcpServers")) or {} if name not in allowed}
    return frozenset(excluded)


def is_foreign(document: Document) -> bool:
    """Whether the file is another program's, whose other settings are none of our business."""
    if document.syntax == "json":
        return True
    if document.syntax == "toml":
        return document.folder.name == ".codex" or not _FOREIGN_TOML.isdisjoint(document.data)
    return False


CONNECTORS = "connectors"
"""The table of the host's own server for connectors, and what that is called."""

SERVER_TABLES = frozenset({"mcp_servers", "mcpServers", "context_servers", "servers", "mcp", "projects"})
"""Top-level keys under which one host or another keeps its servers."""

_FOREIGN_TOML = frozenset(
    {"model", "model_provider", "approval_policy", "sandbox_mode", "profiles", "features", "projects", "notice", "tui"}
)
"""Top-level keys of the coding agent that shares our table format."""


def _places(data: Table) -> Iterator[tuple[KeyPath, Dialect]]:
    for key in data:
        if key == "mcp_servers":
            yield ("mcp_servers",), "mcpool"
        elif key in ("mcpServers", "context_servers") or (key == "servers" and as_table(data[key]) is not None):
            yield (key,), "foreign"
        elif key == "mcp":
            inner = as_table(data[key]) or {}
            if as_table(inner.get("servers")) is not None and not _is_server(inner["servers"]):
                yield ("mcp", "servers"), "foreign"
            elif any(_is_server(value) for value in inner.values()):
                yield ("mcp",), "foreign"


def _inside(data: Table, path: KeyPath, dialect: Dialect, report: Report) -> list[RawEntry]:
    value: object = data
    for part in path:
        table = as_table(value)
        value = table.get(str(part)) if table is not None else None
    if value is None:
        return []
    servers = as_table(value)
    if servers is None:
        report.error(
            path, f"must be a table of servers, not {kind(value)}", "write one table for each server, under its name"
        )
        return []
    return [RawEntry(name, server, (*path, name), dialect) for name, server in servers.items()]


def _is_bare_map(data: Table) -> bool:
    return any(_is_server(value) for value in data.values())


def _is_server(value: object) -> bool:
    table = as_table(value)
    return table is not None and any(isinstance(table.get(key), str | list) for key in _REACHES)


_REACHES = ("command", "url", "httpUrl", "serverUrl")

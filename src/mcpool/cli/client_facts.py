"""What the files of the user's clients say: which of their servers are mcpool's, and which they start by themselves."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

from mcpool.cli.client_names import here
from mcpool.clients.change import look_up
from mcpool.clients.known import CLIENTS, Client, selection_of, words_of
from mcpool.clients.rewriting import data_of
from mcpool.clients.target import read_client_file, text_of
from mcpool.config.client import EVERYTHING, ClientConfig
from mcpool.config.model import Config
from mcpool.config.server import Http, ServerConfig
from mcpool.config.table import Table, as_table
from mcpool.doctor.duplicates import same_server
from mcpool.doctor.facts import ClientEntry, ClientFacts
from mcpool.errors import ConfigError
from mcpool.gateway.selection import Selection, parse


def client_facts(config: Config) -> Iterator[ClientFacts]:
    """Of each client whose file is there and can be read: `mcpool install` tells of those that cannot."""
    for client in CLIENTS:
        for file in client.files(here()):
            try:
                content = read_client_file(file)
                if content is not None:
                    yield _of(client, file, data_of(file, text_of(file, content)), config)
            except ConfigError:
                continue


def _of(client: Client, file: Path, data: Table, config: Config) -> ClientFacts:
    entries: list[ClientEntry] = []
    own: list[tuple[str, str]] = []
    for key, value in (as_table(look_up(data, client.container(data))) or {}).items():
        table = as_table(value)
        if table is None or table.get("disabled") is True or table.get("enabled") is False:
            continue
        started, visited = selection_of(table), _selection_at(table)
        if started is not None:
            command = words_of(table)[0]
            entries.append(_entry(key, started, config.clients.get(_LOCAL), command))
        elif visited is not None:
            entries.append(_entry(key, visited, config.clients.get(client.name), None))
        elif (ours := next((server.name for server in config.servers if _is(table, server)), None)) is not None:
            own.append((key, ours))
    return ClientFacts(client.name, client.title, str(file), tuple(entries), tuple(own))


_LOCAL = "local"
"""What the configuration calls all clients by shim."""


def _entry(key: str, written: str, offered: ClientConfig | None, command: str | None) -> ClientEntry:
    try:
        selected = parse(written)
    except ValueError:
        selected = Selection(written.partition("?")[0] or None)
    offered = offered or EVERYTHING
    return ClientEntry(
        key,
        selected.server or "",
        command,
        command is None or shutil.which(command) is not None,
        selected.servers if selected.servers is not None or selected.server else offered.servers,
        selected.search or offered.search,
        offered.max_tools,
    )


def _selection_at(table: Table) -> str | None:
    """What a URL of ours selects, as `mcpool install --url` writes it; None if it is none of ours."""
    url = table.get("url") or table.get("httpUrl")
    if not isinstance(url, str) or not url.startswith(("http://127.0.0.1:", "http://localhost:")):
        return None
    head, found, selected = url.partition("/mcp")
    if not found or head.count("/") != 2 or selected[:1] not in ("", "/", "?"):
        return None
    return selected.removeprefix("/")


def _is(table: Table, server: ServerConfig) -> bool:
    transport = server.transport
    if isinstance(transport, Http):
        return transport.url in (table.get("url"), table.get("httpUrl"), table.get("serverUrl"))
    words = words_of(table)
    return bool(words) and same_server(words, (transport.command, *transport.args))

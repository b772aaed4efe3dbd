"""What the files of the user's clients say: which of their servers are mcpool's, and which they start by themselves."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

from mcpool.cli.client_names import here
from mcpool.clients.change import look_up
from mcpool.clients.known import CLIENTS, Client, server_reached, words_of
from mcpool.clients.rewriting import data_of
from mcpool.clients.target import read_client_file, text_of
from mcpool.config.server import Http, ServerConfig
from mcpool.config.table import Table, as_table
from mcpool.doctor.duplicates import same_server
from mcpool.doctor.facts import ClientEntry, ClientFacts
from mcpool.errors import ConfigError


def client_facts(servers: Sequence[ServerConfig]) -> Iterator[ClientFacts]:
    """Of each client whose file is there and can be read: `mcpool install` tells of those that cannot."""
    for client in CLIENTS:
        for file in client.files(here()):
            try:
                content = read_client_file(file)
                if content is not None:
                    yield _of(client, file, data_of(file, text_of(file, content)), servers)
            except ConfigError:
                continue


def _of(client: Client, file: Path, data: Table, servers: Sequence[ServerConfig]) -> ClientFacts:
    entries: list[ClientEntry] = []
    own: list[tuple[str, str]] = []
    for key, value in (as_table(look_up(data, client.container(data))) or {}).items():
        table = as_table(value)
        if table is None or table.get("disabled") is True or table.get("enabled") is False:
            continue
        reached = server_reached(table)
        if reached is not None:
            command = words_of(table)[0]
            entries.append(ClientEntry(key, reached, command, shutil.which(command) is not None))
        elif (named := _server_at(table)) is not None:
            entries.append(ClientEntry(key, named, None))
        elif (ours := next((server.name for server in servers if _is(table, server)), None)) is not None:
            own.append((key, ours))
    return ClientFacts(client.name, client.title, str(file), tuple(entries), tuple(own))


def _server_at(table: Table) -> str | None:
    """The server behind a URL of ours, as `mcpool install --url` writes it."""
    url = table.get("url") or table.get("httpUrl")
    if not isinstance(url, str) or not url.startswith(("http://127.0.0.1:", "http://localhost:")):
        return None
    head, found, name = url.partition("/mcp/")
    return name if found and head.count("/") == 2 else None


def _is(table: Table, server: ServerConfig) -> bool:
    transport = server.transport
    if isinstance(transport, Http):
        return transport.url in (table.get("url"), table.get("httpUrl"), table.get("serverUrl"))
    words = words_of(table)
    return bool(words) and same_server(words, (transport.command, *transport.args))

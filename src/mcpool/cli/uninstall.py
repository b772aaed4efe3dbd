"""`mcpool uninstall CLIENT...`: clients get back what they had."""

from __future__ import annotations

import os
from argparse import Namespace
from pathlib import Path

from mcpool.cli.client_names import chosen_clients
from mcpool.cli.confirm import confirmed
from mcpool.cli.exit_codes import OK, USAGE
from mcpool.cli.screen import Screen
from mcpool.clients.diff import secrets_in, shown_diff
from mcpool.clients.known import CLIENTS
from mcpool.clients.record import Record, RecordStore
from mcpool.clients.rewriting import data_of
from mcpool.clients.target import Undone, read_client_file, text_of, undone
from mcpool.config.problem import dotted
from mcpool.config.writing import swap
from mcpool.errors import ConfigError
from mcpool.gateway.tokens import TokenStore
from mcpool.rendezvous import home_path


def run(arguments: Namespace) -> int:
    """Show what would be written into which file, ask, and write it."""
    screen, home = Screen(), Path(home_path(os.environ))
    store, tokens = RecordStore(home), TokenStore(home)
    if not arguments.clients and not arguments.all:
        raise ConfigError(["name the clients, or say `--all`; `mcpool install` lists what is installed where"])
    wanted = CLIENTS if arguments.all else chosen_clients(arguments.clients)
    names = [client.name for client in wanted]
    records = [record for record in store.all() if record.client in names]
    for name in [] if arguments.all else names:
        if name not in {record.client for record in records}:
            screen.line(f"{name}: mcpool is not installed there")
    steps: list[tuple[Record, bytes | None, Undone]] = []
    failed = False
    for record in records:
        # What is wrong with one file is told, and keeps none of the others.
        try:
            current = read_client_file(record.file)
            steps.append((record, current, undone(current, record)))
        except ConfigError as error:
            failed = True
            screen.line(str(error), "red")
    for record, current, outcome in steps:
        _show(record, current, outcome, screen)
    if not steps or arguments.dry_run:
        screen.line("nothing was written")
        return USAGE if failed else OK
    files = ", ".join(str(record.file) for record, _, _ in steps)
    if not arguments.yes and not confirmed(f"write {files}?", default=True, otherwise="say `--yes` to write it"):
        screen.line("nothing was written")
        return USAGE
    for record, current, outcome in steps:
        if outcome.content != current:
            swap(record.file, outcome.content, unchanged=current, checked=True)
        store.drop(record)
        if record.token and not store.in_use(record.token) and record.token in tokens.names():
            tokens.revoke(record.token)
            screen.line(f"revoked the token `{record.token}`")
        what = "is what it was, byte for byte" if outcome.exact else "has what it had, and what was changed since"
        screen.line(f"{record.file} {what}", "green")
    screen.line("mcpool keeps the servers that it took over in its own config.toml", "dim")
    return USAGE if failed else OK


def _show(record: Record, current: bytes | None, outcome: Undone, screen: Screen) -> None:
    before, after = text_of(record.file, current), text_of(record.file, outcome.content)
    secrets = [secret for text in (before, after) for secret in secrets_in(data_of(record.file, text))]
    for line in shown_diff(str(record.file), before, after, secrets):
        screen.line(line, {"+": "green", "-": "red", "@": "cyan"}.get(line[:1], ""))
    for path in outcome.left:
        screen.line(f"{record.file}: `{dotted(path)}` stays: somebody made it another server", "yellow")

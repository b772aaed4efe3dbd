"""`mcpool install CLIENT...`: clients get their servers from mcpool."""

from __future__ import annotations

import os
import shutil
import sys
from argparse import Namespace
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from mcpool.cli.client_names import chosen_clients, here
from mcpool.cli.confirm import confirmed
from mcpool.cli.control import ask_daemon
from mcpool.cli.exit_codes import OK, USAGE
from mcpool.cli.importing import secrets_stored, show_plan
from mcpool.cli.paste_lines import shim_command
from mcpool.cli.screen import Screen
from mcpool.clients.diff import secrets_in, shown_diff
from mcpool.clients.known import CLIENTS, Client, Launch
from mcpool.clients.planning import InstallPlan
from mcpool.clients.record import Record, RecordStore, digest_of
from mcpool.clients.rewriting import data_of
from mcpool.clients.target import Target, text_of
from mcpool.config.home import ensure_home
from mcpool.config.import_plan import ImportPlan
from mcpool.config.importing import configured_port, configured_servers, plan_import
from mcpool.config.merging import apply_import
from mcpool.config.table import Table
from mcpool.config.writing import read_config, swap, write_config
from mcpool.errors import ConfigError, McpoolError
from mcpool.gateway.record import read_record
from mcpool.gateway.tokens import TokenStore
from mcpool.rendezvous import home_path

_OTHERWISE = "say `--yes` to write it, or `--dry-run` to look only"


@dataclass(frozen=True, slots=True)
class _Access:
    """How the entries reach mcpool: with a token, over HTTP, or without, by starting the shim."""

    client: Client
    launch: Launch
    endpoint: str
    token: str | None

    def entry(self, server: str) -> Table:
        if self.token is None or self.client.visited is None:
            return self.client.started(Launch(self.launch.command, (*self.launch.args, server), self.launch.env))
        return self.client.visited(f"{self.endpoint}/{server}", {"Authorization": f"Bearer {self.token}"})


@dataclass(frozen=True, slots=True)
class _Step:
    target: Target
    plan: InstallPlan
    content: bytes
    token: str | None
    """The token in it, if there is one."""

    @property
    def changes(self) -> bool:
        return self.content != (self.target.current or b"")


def run(arguments: Namespace) -> int:
    """Show what would be written into which file, ask, and write it."""
    screen = Screen()
    if not arguments.clients:
        return _list(screen)
    clients = chosen_clients(arguments.clients)
    if arguments.url:
        _refuse_without_http(clients)
    home = ensure_home(Path(home_path(os.environ)))
    store, file = RecordStore(home), home / "config.toml"
    current = read_config(file)
    targets = [
        Target.of(client, path, store.of(client.name, path)) for client in clients for path in client.files(here())
    ]
    running = read_record(home)
    port = int(running.endpoint.split(":")[2].partition("/")[0]) if running else configured_port(current)
    if arguments.url and not port:
        raise ConfigError([f"the daemon takes any free port, so no URL lasts: give it one under [daemon] in {file}"])
    plan = plan_import(
        [target.file for target in targets if target.current is not None],
        current,
        user_home=Path.home(),
        cwd=Path.cwd(),
        with_disabled=False,
        running_port=port,
    )
    after = apply_import(plan, current)
    servers = [name for name, server in configured_servers(after, Path.home()).items() if server.enabled]
    if not servers:
        raise ConfigError(
            [f"there is no server to install: neither {file} nor these clients have one that can be used"]
        )
    with _Tokens(TokenStore(home), store) as tokens:
        steps: list[_Step] = []
        for target in targets:
            token = tokens.of(target.client) if arguments.url else None
            access = _Access(target.client, lasting_launch(), f"http://127.0.0.1:{port}/mcp", token)
            taken = {found.path: found.name for found in plan.taken if found.file == str(target.file)}
            entries = target.plan(taken, servers, access.entry)
            steps.append(_Step(target, entries, target.written(entries), token))
        _show(plan, steps, screen)
        if not any(step.changes for step in steps) and not plan.added:
            screen.line("everything is installed already")
            return OK
        if arguments.dry_run:
            screen.line("\nnothing was written")
            return OK
        names = ", ".join([str(step.target.file) for step in steps if step.changes] or [str(file)])
        if not arguments.yes and not confirmed(f"write {names}?", default=True, otherwise=_OTHERWISE):
            screen.line("nothing was written")
            return USAGE
        if plan.added:
            write_config(file, apply_import(secrets_stored(plan, screen, arguments), current))
            with suppress(McpoolError):
                ask_daemon("apply")
        for step in steps:
            _write(step, store, tokens, screen)
    if arguments.url and running is None:
        screen.line(
            "clients that use the URL need a daemon that runs: `mcpool service install`, or `mcpool up`", "yellow"
        )
    return OK


class _Tokens:
    """Tokens named after clients. Those made here go again, unless a file that was written holds them."""

    def __init__(self, store: TokenStore, records: RecordStore) -> None:
        self._store = store
        self._records = records
        self._made: set[str] = set()
        self._used: set[str] = set()

    def __enter__(self) -> _Tokens:
        return self

    def __exit__(self, *exc: object) -> None:
        for name in self._made - self._used:
            self._store.revoke(name)

    def of(self, client: Client) -> str:
        if client.name not in self._store.names():
            self._store.create(client.name)
            self._made.add(client.name)
        return self._store.read(client.name)

    def is_ours(self, client: Client) -> bool:
        """Whether the client's token was made for it: now, or when a file of its was written before."""
        return client.name in self._made or self._records.in_use(client.name)

    def written(self, token: str | None, before: Record | None) -> None:
        """A file was written that holds this token, or none any more."""
        if token is not None:
            self._used.add(token)
        elif before is not None and before.token is not None and not self._records.in_use(before.token):
            self._store.revoke(before.token)


def lasting_launch() -> Launch:
    """The shim by its full path: applications with windows know little of the user's PATH."""
    shim = shim_command(os.environ, sys.argv[0])
    command = shutil.which(shim.command) or shim.command
    return Launch(os.path.abspath(command), (*shim.prefix, "connect"), shim.env)


def _refuse_without_http(clients: Sequence[Client]) -> None:
    without = [client.title for client in clients if client.visited is None]
    if without:
        raise ConfigError([f"{without[0]} cannot have URLs in its file; install it without --url"])


def _list(screen: Screen) -> int:
    home = Path(home_path(os.environ))
    installed = {(record.client, record.file) for record in RecordStore(home).all()}
    rows: list[list[str]] = []
    for client in CLIENTS:
        for file in client.files(here()):
            state = "installed" if (client.name, file) in installed else "there" if file.exists() else "-"
            rows.append([client.name, client.title, state, str(file)])
    screen.table(("name", "client", "state", "file"), rows)
    screen.line("\n`mcpool install NAME...` gives a client its servers from mcpool; it shows what it writes, and asks")
    return OK


def _show(plan: ImportPlan, steps: Sequence[_Step], screen: Screen) -> None:
    if plan.added or plan.problems:
        screen.line("into mcpool's own config.toml:", "bold")
        show_plan(plan, screen)
        screen.line()
    for step in steps:
        target = step.target
        before, after = text_of(target.file, target.current), step.content.decode()
        secrets = [secret for text in (before, after) for secret in secrets_in(data_of(target.file, text))]
        secrets += [*secrets_in(target.data), step.token or ""]
        if step.changes:
            for line in shown_diff(str(target.file), before, after, secrets):
                screen.line(line, {"+": "green", "-": "red", "@": "cyan"}.get(line[:1], ""))
        else:
            screen.line(f"{target.file}: is as it should be")
        for note in step.plan.notes:
            screen.line(f"{target.client.title}: {note}", "yellow")


def _write(step: _Step, store: RecordStore, tokens: _Tokens, screen: Screen) -> None:
    target, client = step.target, step.target.client
    before = target.record
    token = client.name if step.token and tokens.is_ours(client) else None
    record = Record(client.name, target.file, target.base, digest_of(step.content), step.plan.entries, token)
    store.keep(record)
    try:
        if step.changes:
            swap(target.file, step.content, unchanged=target.current, checked=True)
    except ConfigError:
        if before is None:
            store.drop(record)
        else:
            store.keep(before)
        raise
    tokens.written(token, before)
    count = len(step.plan.entries)
    screen.line(f"{client.title}: {count} server{'' if count == 1 else 's'} through mcpool; {client.reload}", "green")
    if target.base is not None:
        screen.line(
            f"  as it was: {store.backup(client.name, target.file)}; `mcpool uninstall {client.name}` undoes it"
        )
    if step.token and target.file.stat().st_mode & 0o077:
        screen.line(f"  it holds a token, and others can read it: chmod 600 {target.file}", "yellow")

"""Deciding what of other hosts' files to add to ours."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import cast
from urllib.parse import urlsplit

from mcpool.config.document import Document, read_document, read_toml
from mcpool.config.expand import Expander
from mcpool.config.hosts import Host, find_host_files, host_of
from mcpool.config.import_plan import Addition, ImportPlan, Skipped, Taken, with_references
from mcpool.config.keys import KEYS
from mcpool.config.known_servers import keeps_state
from mcpool.config.literal_secrets import find_literal_secrets
from mcpool.config.loading import entries, in_order
from mcpool.config.model import DaemonConfig
from mcpool.config.problem import Problem
from mcpool.config.read_server import Entry, Surroundings, read_server
from mcpool.config.server import CLIENT_CWD, ServerConfig, Stdio
from mcpool.config.table import Table, as_list, as_table
from mcpool.config.working_folder import has_relative_path
from mcpool.errors import ConfigError

_AS_WRITTEN = Expander({}, lambda _: None, look_up=False)
_INPUT = re.compile(r"\$\{input:([^{}]+)\}")
_KEY_ORDER = tuple(dict.fromkeys(key.name.partition(".")[0] for key in KEYS))


def plan_import(
    paths: Sequence[Path] | None,
    current: str,
    *,
    user_home: Path,
    cwd: Path,
    platform: str = sys.platform,
    with_disabled: bool = True,
    running_port: int | None = None,
) -> ImportPlan:
    """Compare the servers in other hosts' files with those of our file, whose text is `current`.

    `paths` None looks where the known hosts keep theirs; a folder among `paths` is searched as a project. Reads files,
    writes none. `with_disabled` false leaves out what is switched off where it stands; `running_port` is the daemon's,
    if it may be another than the configured one. If `current` can't be read, the plan adds nothing and says why.
    """
    ours = read_toml("config.toml", current, user_home)
    if isinstance(ours, Problem):
        return ImportPlan((), (), (), (ours,))
    files = find_host_files(user_home, cwd, platform) if paths is None else _unfolded(paths, user_home, platform)
    ports = frozenset({_port(ours)} if running_port is None else {_port(ours), running_port})
    merge = _Merge(user_home, ports, with_disabled)
    merge.know(ours)
    for path in files:
        document = read_document(path)
        if isinstance(document, Problem):
            merge.problems.append(document)
        else:
            merge.take_all(document, host_of(path, user_home, platform))
    return ImportPlan(
        tuple(map(str, files)), tuple(merge.added), tuple(merge.skipped), tuple(merge.problems), tuple(merge.taken)
    )


def configured_servers(text: str, user_home: Path) -> dict[str, ServerConfig]:
    """The servers of our file, whose text this is, by name: references as they are written, broken ones left out.

    Raises:
        ConfigError: the text is not TOML.
    """
    document = read_toml("config.toml", text, user_home)
    if isinstance(document, Problem):
        raise ConfigError([str(document)])
    report = document.report()
    around = Surroundings(_AS_WRITTEN, document.folder, str(user_home))
    read = (read_server(entry, around, report) for entry in entries(document, report, str(user_home)))
    return {server.name: server for server in read if server is not None}


def configured_port(text: str) -> int:
    """The TCP port that our file, whose text this is, gives the daemon."""
    document = read_toml("config.toml", text, Path("/"))
    return DaemonConfig().port if isinstance(document, Problem) else _port(document)


def _unfolded(paths: Sequence[Path], user_home: Path, platform: str) -> list[Path]:
    files: list[Path] = []
    for path in paths:
        found = find_host_files(path, path, platform) if path.is_dir() else [path]
        # A folder without any such file stays, so that reading it says what is wrong.
        files += found or [path]
    return list(dict.fromkeys(files))


@dataclass(slots=True)
class _Merge:
    """The servers known so far, and what was decided about each that came after."""

    user_home: Path
    ports: frozenset[int]
    with_disabled: bool = True
    known: dict[str, ServerConfig] = field(default_factory=dict[str, ServerConfig])
    added: list[Addition] = field(default_factory=list[Addition])
    skipped: list[Skipped] = field(default_factory=list[Skipped])
    problems: list[Problem] = field(default_factory=list[Problem])
    taken: list[Taken] = field(default_factory=list[Taken])

    def know(self, ours: Document) -> None:
        """Take our own servers as given, problems and all."""
        report = ours.report()
        for entry in entries(ours, report, str(self.user_home)):
            server = read_server(entry, self._around(ours), report)
            # A broken one keeps its name, too: adding another of that name would break the whole file.
            self.known[entry.name] = server or ServerConfig(entry.name, Stdio(""))

    def take_all(self, document: Document, host: Host) -> None:
        """Decide about each server of a file."""
        report = document.report()
        before = dict(self.known)
        for entry in entries(document, report, str(self.user_home)):
            if is_ourselves(entry.table, self.ports):
                self.skipped.append(Skipped(entry.name, host.name, document.file, "is mcpool itself"))
                continue
            server = read_server(entry, self._around(document), report)
            if server is None:
                continue
            if server.enabled or self.with_disabled:
                name = self._take(entry, server, document, host, before)
                self.taken.append(Taken(document.file, entry.path, name))
            else:
                self.skipped.append(Skipped(entry.name, host.name, document.file, "is switched off there"))
        self.problems += in_order(report.problems)

    def _take(
        self, entry: Entry, server: ServerConfig, document: Document, host: Host, before: dict[str, ServerConfig]
    ) -> str:
        """Returns what ours calls it."""
        table, notes = _to_write(entry, server, host, self.user_home)
        server = _as_read(entry.name, table, self.user_home)
        # Two equal ones in one file are two on purpose; of two files they are one.
        for name, other in (*before.items(), *((n, s) for n, s in self.known.items() if n == entry.name)):
            if _same(table, other, self.user_home):
                self._join(name, other, server, document, host)
                return name
        name = self._free_name(entry.name, host)
        if name != entry.name:
            notes.insert(0, f"is called `{name}`: another server is called `{entry.name}`")
        self.known[name] = replace(server, name=name)
        self.added.append(
            Addition(
                name=name,
                original_name=entry.name,
                host=host.name,
                file=document.file,
                line=document.line_of(entry.path),
                table=table,
                secrets=find_literal_secrets(name, table),
                notes=tuple(notes),
            )
        )
        return name

    def _join(self, name: str, other: ServerConfig, server: ServerConfig, document: Document, host: Host) -> None:
        place = f"{host.name} ({document.file})"
        for index, addition in enumerate(self.added):
            if addition.name == name:
                notes, table = list(addition.notes), dict(addition.table)
                _agree(table, notes, other, server, place)
                self.added[index] = replace(
                    addition, table=table, notes=tuple(notes), also_in=(*addition.also_in, place)
                )
                self.known[name] = _as_read(name, table, self.user_home)
                return
        self.skipped.append(Skipped(server.name, host.name, document.file, f"is already configured as `{name}`"))

    def _free_name(self, wanted: str, host: Host) -> str:
        if wanted not in self.known:
            return wanted
        base = f"{wanted}-{host.suffix}" if host.suffix else wanted
        candidates = [base] if host.suffix else []
        candidates += [f"{base}-{number}" for number in range(2, len(self.known) + 3)]
        return next(name for name in candidates if name not in self.known)

    def _around(self, document: Document) -> Surroundings:
        return Surroundings(_AS_WRITTEN, document.folder, str(self.user_home))


def _to_write(entry: Entry, server: ServerConfig, host: Host, user_home: Path) -> tuple[dict[str, object], list[str]]:
    """The table as our file will have it: known keys that say something, in the order of our table of keys."""
    notes: list[str] = []
    table: dict[str, object] = {}
    for key in _KEY_ORDER:
        value = entry.table.get(key)
        if value is not None and value not in ({}, []):
            table[key] = _with_keyring_inputs(value, notes)
    if not server.enabled:
        notes.append("is switched off, as it was there")
    stdio = server.transport
    if isinstance(stdio, Stdio):
        kept = keeps_state((stdio.command, *stdio.args)) if server.scope is None else None
        if kept is not None:
            table["scope"] = "thread"
            notes.append(f"has a process for each thread or client: {kept}")
        if "cwd" not in table:
            table["cwd"] = _folder(stdio, host, user_home, notes, apart=kept is not None)
        elif stdio.cwd != CLIENT_CWD:
            table["cwd"] = stdio.cwd
    ordered = {key: table[key] for key in _KEY_ORDER if key in table}
    return ordered, notes


def _folder(stdio: Stdio, host: Host, user_home: Path, notes: list[str], *, apart: bool) -> str:
    relative = has_relative_path(stdio.command, stdio.args)
    if host.level == "user" and not relative and not apart:
        notes.append(f"runs in {user_home}, as one process for every folder: its arguments name no relative path")
        return str(user_home)
    if host.level == "project" and relative:
        notes.append(f"runs in {host.project}: its arguments name a path there")
        return str(host.project)
    notes.append("follows its client's folder" + ("" if apart else ", as a process for each folder"))
    return CLIENT_CWD


def _with_keyring_inputs(value: object, notes: list[str]) -> object:
    if isinstance(value, str):
        for name in _INPUT.findall(value):
            note = f"asked for the input `{name}`: store it with `keyring set mcpool {name}`"
            if note not in notes:
                notes.append(note)
        return _INPUT.sub(r"${keyring:\1}", value)
    items = as_list(value)
    if items is not None:
        return [_with_keyring_inputs(item, notes) for item in items]
    table = as_table(value)
    if table is not None:
        return {key: _with_keyring_inputs(item, notes) for key, item in table.items()}
    return value


def _as_read(name: str, table: dict[str, object], user_home: Path) -> ServerConfig:
    """What our own file will say of it once it is written."""
    document = Document("config.toml", "toml", {"mcp_servers": {name: table}}, Path("/"))
    report = document.report()
    server = read_server(Entry(name, table, ()), Surroundings(_AS_WRITTEN, Path("/"), str(user_home)), report)
    return cast("ServerConfig", server)


def _same(table: dict[str, object], other: ServerConfig, user_home: Path) -> bool:
    """Whether the table reaches the same server with the same tools as a known one, its secrets moved or not."""
    secrets = find_literal_secrets(other.name, table)
    forms = (table, with_references(table, secrets)) if secrets else (table,)
    return any(_definition(_as_read("same", form, user_home)) == _definition(other) for form in forms)


def _definition(server: ServerConfig) -> tuple[object, ...]:
    return server.transport, server.environment_id, server.enabled_tools, frozenset(server.disabled_tools)


def _agree(table: dict[str, object], notes: list[str], one: ServerConfig, two: ServerConfig, place: str) -> None:
    """Settle what two equal servers say differently: approval only where both give it, off only where both say so."""
    if (one.tools, one.default_tools_approval_mode) != (two.tools, two.default_tools_approval_mode):
        table.pop("tools", None)
        table.pop("default_tools_approval_mode", None)
        notes.append(f"keeps no approvals in advance: {place} has others")
    if not one.enabled and two.enabled:
        table.pop("enabled", None)
        notes[:] = [note for note in notes if not note.startswith("is switched off")]
        notes.append(f"is switched on: it is on in {place}")


def is_ourselves(table: Table, ports: frozenset[int]) -> bool:
    """Whether a server's table is what reaches mcpool: importing it would make mcpool its own client."""
    found = (table.get("command"), *(as_list(table.get("args")) or []))
    words = [word for word in found if isinstance(word, str)]
    names = [PurePosixPath(word).name for word in words]
    if "mcpool" in names and "connect" in words[names.index("mcpool") :]:
        return True
    url = table.get("url")
    try:
        parts = urlsplit(url) if isinstance(url, str) else None
        return parts is not None and parts.hostname in ("127.0.0.1", "localhost", "::1") and parts.port in ports
    except ValueError:
        return False


def _port(ours: Document) -> int:
    daemon = as_table(ours.data.get("daemon")) or {}
    port = daemon.get("port")
    return port if isinstance(port, int) else DaemonConfig().port

"""Deciding what to write into a client's file, and how to take it back. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from mcpool.clients.change import Change, Changes, look_up
from mcpool.clients.known import CONNECTION, Client, is_entry_of, server_reached
from mcpool.config.problem import KeyPath, dotted
from mcpool.config.table import Table, as_table


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of ours in a client's file: for which server, and the keys that were written."""

    path: KeyPath
    server: str
    put: Table


@dataclass(frozen=True, slots=True)
class InstallPlan:
    """What to write, and what the user has to know of it."""

    entries: tuple[Entry, ...]
    notes: tuple[str, ...] = ()

    @property
    def changes(self) -> Changes:
        """The same for whoever writes it."""
        return Changes([Change(entry.path, entry.put, CONNECTION) for entry in self.entries])


def plan_entries(
    client: Client,
    data: Table,
    taken: Mapping[KeyPath, str],
    servers: Sequence[str],
    entry_for: Callable[[str], Table],
) -> InstallPlan:
    """The entries for a client whose file, as it is without mcpool, holds `data`.

    `taken` says which of our servers the ones that stand there are, `servers` which of ours can be used.
    """
    entries: list[Entry] = []
    notes: list[str] = []
    container = client.container(data)
    there = as_table(look_up(data, container)) or {}
    reached = {server for entry in there.values() if (server := server_reached(as_table(entry) or {})) is not None}
    for path, server in taken.items():
        if not is_entry_of(client, path, data):
            continue
        if server not in servers:
            notes.append(
                f"`{dotted(path)}` stays as it is: `{server}` is switched off, or broken, in mcpool's own file"
            )
            continue
        entries.append(Entry(path, server, entry_for(server)))
        if path[:-1] == container:
            reached.add(server)
    for server in servers:
        path = (*container, server)
        if server in reached:
            continue
        if server in there:
            how = f"becomes mcpool's `{taken[path]}`" if taken.get(path) in servers else "stays as it is"
            notes.append(f"`{dotted(path)}` {how}, so mcpool's `{server}` is not added: rename one of them")
        else:
            entries.append(Entry(path, server, entry_for(server)))
    stay = [
        name for name, entry in there.items() if _stays(entry) and (*container, name) not in {e.path for e in entries}
    ]
    notes += [f"`{name}` stays as it is: mcpool cannot take it over" for name in stay if name not in servers]
    return InstallPlan(tuple(entries), tuple(notes))


def _stays(entry: object) -> bool:
    table = as_table(entry)
    return table is not None and server_reached(table) is None


@dataclass(frozen=True, slots=True)
class UndoPlan:
    """How to take our entries out of a file that was changed since. `left` are entries that are not ours any more."""

    changes: Changes
    left: tuple[KeyPath, ...]


def plan_undo(current: Table, original: Table, original_text: str, entries: Iterable[Entry]) -> UndoPlan:
    """Our entries become what they were; what the user changed in them and elsewhere stays."""
    changes: list[Change] = []
    left: list[KeyPath] = []
    emptied: dict[KeyPath, None] = {}
    for entry in entries:
        now = as_table(look_up(current, entry.path))
        if now is None:
            continue
        if not _is_ours(now, entry):
            left.append(entry.path)
            continue
        before = as_table(look_up(original, entry.path))
        changes.append(Change(entry.path, remove=True) if before is None else _back(entry, before, now))
        for depth in range(1, len(entry.path)):
            if look_up(original, entry.path[:depth]) is None:
                emptied[entry.path[:depth]] = None
    return UndoPlan(Changes(changes, original_text, tuple(emptied)), tuple(left))


def _is_ours(now: Table, entry: Entry) -> bool:
    urls = [entry.put[key] for key in ("url", "httpUrl") if key in entry.put]
    if urls:
        return any(now.get(key) == urls[0] for key in ("url", "httpUrl"))
    return server_reached(now) == entry.server


def _back(entry: Entry, before: Table, now: Table) -> Change:
    wrote = {**{key: value for key, value in before.items() if key not in CONNECTION}, **entry.put}
    own = {key: value for key, value in now.items() if key not in CONNECTION and wrote.get(key) != value}
    gone = frozenset(key for key in wrote if key not in now and key not in CONNECTION)
    return Change(entry.path, own, gone, graft=True)

"""The names under which all servers together show their tools, prompts and resources. Pure.

Tools and prompts get their server's name as a prefix; resources keep their URI, of which the first server to list it
is the owner.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import msgspec
from msgspec import Raw

from mcpool.catalog.toolnames import ToolKey, prefixed
from mcpool.wire import params as wire_params
from mcpool.wire.envelope import encode_json


class Owner(NamedTuple):
    """Where a name leads: the server, and its own name for the thing as JSON."""

    server: str
    name: Raw


@dataclass(frozen=True, slots=True)
class Table:
    """What is listed, renamed, and where each name leads."""

    source: Mapping[str, Sequence[bytes]] = field(repr=False)
    items: tuple[bytes, ...] = field(repr=False)
    owners: Mapping[str, Owner] = field(repr=False)


class _Named(msgspec.Struct):
    name: str


def rename(source: Mapping[str, Sequence[bytes]]) -> Table:
    """The table of these servers' definitions, in their order. One without a readable name is left out."""
    entries: list[tuple[ToolKey, bytes]] = []
    for server, definitions in source.items():
        for raw in definitions:
            try:
                entries.append((ToolKey(server, msgspec.json.decode(raw, type=_Named).name), raw))
            except (msgspec.DecodeError, UnicodeDecodeError):
                continue
    shown = prefixed(key for key, _ in entries)
    items: list[bytes] = []
    owners: dict[str, Owner] = {}
    for key, raw in entries:
        if shown[key] in owners:
            continue
        fields = wire_params.split(raw)
        owners[shown[key]] = Owner(key.server, fields["name"])
        fields["name"] = Raw(encode_json(shown[key]))
        items.append(wire_params.join(fields))
    return Table(source, tuple(items), owners)


@dataclass(frozen=True, slots=True)
class ResourceTable:
    """Whose URI is whose."""

    uris: Mapping[str, str]
    templates: tuple[tuple[str, str], ...]
    """The literal beginning of each template and its server, longest first."""

    def owner(self, uri: str) -> str | None:
        """The server that listed it, or whose template it begins like."""
        owner = self.uris.get(uri)
        if owner is not None:
            return owner
        return next((server for beginning, server in self.templates if uri.startswith(beginning)), None)


class _Resource(msgspec.Struct):
    uri: str


class _Template(msgspec.Struct, rename="camel"):
    uri_template: str


def resource_table(resources: Mapping[str, Iterable[bytes]], templates: Mapping[str, Iterable[bytes]]) -> ResourceTable:
    """The table of what these servers list. What cannot be read is left out."""
    uris: dict[str, str] = {}
    for server, items in resources.items():
        for raw in items:
            try:
                uris.setdefault(msgspec.json.decode(raw, type=_Resource).uri, server)
            except (msgspec.DecodeError, UnicodeDecodeError):
                continue
    beginnings: dict[str, str] = {}
    for server, items in templates.items():
        for raw in items:
            try:
                template = msgspec.json.decode(raw, type=_Template).uri_template
            except (msgspec.DecodeError, UnicodeDecodeError):
                continue
            uris.setdefault(template, server)
            beginning = template.partition("{")[0]
            if beginning:
                beginnings.setdefault(beginning, server)
    longest_first = sorted(beginnings.items(), key=lambda entry: -len(entry[0]))
    return ResourceTable(uris, tuple(longest_first))


def without_repeats(resources: Mapping[str, Iterable[bytes]], table: ResourceTable) -> list[bytes]:
    """What these servers list, each URI once: that of its owner."""
    listed: list[bytes] = []
    seen: set[str] = set()
    for server, items in resources.items():
        for raw in items:
            try:
                uri = msgspec.json.decode(raw, type=_Resource).uri
            except (msgspec.DecodeError, UnicodeDecodeError):
                continue
            if uri not in seen and table.uris.get(uri) == server:
                seen.add(uri)
                listed.append(raw)
    return listed

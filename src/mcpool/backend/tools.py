"""The tools of one connection: their definitions as the server wrote them, and the hints that decisions read."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import msgspec

from mcpool.backend.connector_meta import Named, named, stripped
from mcpool.catalog.toolschema import definition_digest


class Annotations(msgspec.Struct, frozen=True, rename="camel"):
    """A server's hints about a tool; None where it says nothing. Hints, not promises."""

    title: str | None = None
    read_only_hint: bool | None = None
    destructive_hint: bool | None = None
    idempotent_hint: bool | None = None
    open_world_hint: bool | None = None


class _Head(msgspec.Struct, rename="camel"):
    name: str
    annotations: msgspec.Raw = msgspec.Raw()


_NO_ANNOTATIONS = Annotations()


@dataclass(frozen=True, slots=True)
class ToolDefinition:
    """One tool. `raw` is its definition, byte for byte the server's JSON."""

    name: str
    raw: bytes = field(repr=False)
    annotations: Annotations = field(repr=False)

    @property
    def digest(self) -> str:
        """Equal for two definitions exactly when no decision can tell them apart."""
        return definition_digest(self.raw)

    @property
    def connector(self) -> Named | None:
        """The connector that it belongs to; only tools of the host's own server for connectors have one."""
        return named(self.raw)


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All tools of a server at one moment. `revision` grows with every list that was read, over all generations."""

    revision: int
    tools: tuple[ToolDefinition, ...]
    by_name: dict[str, ToolDefinition] = field(repr=False, compare=False)
    fingerprint: bytes = field(default=b"", repr=False, compare=False)
    """Equal for two lists exactly when they are equal byte for byte."""


def _all_usable(_: str) -> None:
    return None


def read_catalogue(
    items: Iterable[bytes],
    revision: int,
    why_unusable: Callable[[str], str | None] = _all_usable,
    *,
    connectors: bool = False,
) -> tuple[Catalogue, tuple[str, ...]]:
    """Read a tool list; returns it with one sentence for each entry that had to be left out.

    `connectors`: the server may say to which connectors its tools belong.
    """
    tools: dict[str, ToolDefinition] = {}
    refused: list[str] = []
    for item in items:
        raw = item if connectors else stripped(item)
        try:
            head = msgspec.json.decode(raw, type=_Head)
        except msgspec.DecodeError as error:
            refused.append(f"a tool definition cannot be read: {error}")
            continue
        if head.name in tools:
            refused.append(f"tool `{head.name}` is listed twice; the first one counts")
            continue
        if (reason := why_unusable(head.name)) is not None:
            refused.append(f"tool `{head.name}` {reason}")
            continue
        tools[head.name] = ToolDefinition(head.name, raw, _annotations(head.annotations))
    return Catalogue(revision, tuple(tools.values()), tools, _fingerprint(tools.values())), tuple(refused)


def _fingerprint(tools: Iterable[ToolDefinition]) -> bytes:
    digest = hashlib.sha256()
    for tool in tools:
        digest.update(len(tool.raw).to_bytes(8, "big"))
        digest.update(tool.raw)
    return digest.digest()


def _annotations(raw: msgspec.Raw) -> Annotations:
    if not raw:
        return _NO_ANNOTATIONS
    try:
        return msgspec.json.decode(raw, type=Annotations)
    except msgspec.DecodeError:
        return _NO_ANNOTATIONS

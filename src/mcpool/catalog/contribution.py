"""Who contributes which servers. Plain values."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from mcpool.config.server import ServerConfig


class Source(IntEnum):
    """Where a server comes from, from what anything else overrides to what overrides all else."""

    PLUGIN = 1
    """An installed plugin. Of several, the one that was installed first counts."""
    SELECTED_PLUGIN = 2
    """A plugin that was selected for the thread. Of several, the one that was selected first counts."""
    MANAGED = 3
    """What the administrator of this machine configured."""
    USER = 4
    PROJECT = 5
    """The configuration of a project that the user trusts."""
    SESSION = 6
    """What was said when the thread was opened."""
    CONNECTOR = 7
    """The host's own server for connectors."""
    EXTENSION = 8
    """A part of the embedding program. Of several, the one that was added last counts."""


FIRST_COUNTS = frozenset({Source.PLUGIN, Source.SELECTED_PLUGIN})
"""Sources among whose contributions the first counts; among the others it is the last."""


@dataclass(frozen=True, slots=True)
class Owner:
    """Who contributed a server. It is part of what a runtime is: another owner is another runtime."""

    source: Source
    name: str = ""
    """Which plugin, extension or file."""

    def __str__(self) -> str:
        what = self.source.name.lower().replace("_", " ")
        return f"{what} {self.name}" if self.name else what


@dataclass(frozen=True, slots=True)
class Contribution:
    """One server of one owner."""

    owner: Owner
    server: ServerConfig

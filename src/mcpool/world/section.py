"""A section of the world state: one subject, owned by one extension."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol, TypeAlias, runtime_checkable

from mcpool.world.surroundings import Surroundings

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"
Snapshot = dict[str, Json]
"""What is compared, and kept with the thread. No value in it is null: there, null means that it went."""


@runtime_checkable
class Warns(Protocol):
    """What a section may offer besides, where it can't tell everything."""

    def warning(self, previous: Mapping[str, Json] | None, now: Mapping[str, Json]) -> str | None:
        """What the person should know of that, when `render` has something to tell of the same; None: nothing."""
        ...


class Section(Protocol):
    """Says what the model is told of one subject, in full or as the difference. It only looks at its arguments."""

    @property
    def id(self) -> str:
        """Stable: snapshots are kept under it."""
        ...

    def snapshot(self, surroundings: Surroundings) -> Snapshot | None:
        """What there is to tell; None: nothing, not even that there is nothing."""
        ...

    def render(self, previous: Mapping[str, Json] | None, now: Mapping[str, Json]) -> str | None:
        """The text for the model.

        `previous` is what it was told before; None: nothing that is known of, so that all must be told. None as the
        result: there is nothing worth telling.
        """
        ...

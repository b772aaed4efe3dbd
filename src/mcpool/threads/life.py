"""The life of a thread. Pure: the transitions are data."""

from __future__ import annotations

from enum import StrEnum


class Life(StrEnum):
    """Whether a thread holds its servers and, if not, what brings it back."""

    LOADED = "loaded"
    UNLOADED = "unloaded"
    """It holds nothing, and may be resumed."""
    ARCHIVED = "archived"
    """It holds nothing, and must be unarchived before it may be resumed."""
    CLOSED = "closed"
    """It is gone for good."""


class LifeEvent(StrEnum):
    """What may be done with a thread."""

    UNLOAD = "unload"
    RESUME = "resume"
    ARCHIVE = "archive"
    UNARCHIVE = "unarchive"
    CLOSE = "close"


_AFTER = {
    (Life.LOADED, LifeEvent.UNLOAD): Life.UNLOADED,
    (Life.LOADED, LifeEvent.RESUME): Life.LOADED,
    (Life.LOADED, LifeEvent.ARCHIVE): Life.ARCHIVED,
    (Life.UNLOADED, LifeEvent.UNLOAD): Life.UNLOADED,
    (Life.UNLOADED, LifeEvent.RESUME): Life.LOADED,
    (Life.UNLOADED, LifeEvent.ARCHIVE): Life.ARCHIVED,
    (Life.ARCHIVED, LifeEvent.ARCHIVE): Life.ARCHIVED,
    (Life.ARCHIVED, LifeEvent.UNARCHIVE): Life.UNLOADED,
    (Life.UNLOADED, LifeEvent.UNARCHIVE): Life.UNLOADED,
    (Life.LOADED, LifeEvent.UNARCHIVE): Life.LOADED,
}

WHY_NOT = {
    Life.UNLOADED: "is not loaded; resume it with `host.threads.resume(id)`",
    Life.ARCHIVED: "is archived; `host.threads.unarchive(id)` comes first, then `host.threads.resume(id)`",
    Life.CLOSED: "is closed; open another with `host.thread(...)`",
}
"""What to say to who uses a thread in a state in which it can't be used."""


def after(life: Life, event: LifeEvent) -> Life | None:
    """The state that follows; None if that can't be done in this state."""
    return Life.CLOSED if event is LifeEvent.CLOSE else _AFTER.get((life, event))

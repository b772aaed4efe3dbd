"""Who holds leases on one backend, and what each of them asked to hear."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator
from typing import cast

from mcpool.backend.holder import LOG_LEVELS, Holder, severity
from mcpool.wire.call import Call


def owners(calls: Iterable[Call]) -> list[Holder]:
    """The holders whose calls these are, each once, in the order of their first call."""
    return [owner for owner in dict.fromkeys(map(owner_of, calls)) if owner is not None]


def owner_of(call: Call) -> Holder | None:
    """Whose call it is; None: our own."""
    return cast("Holder | None", call.owner)


def candidates(calls: Iterable[Call]) -> list[Hashable | None]:
    """The parties whose calls these are, each once, with None for calls of our own."""
    return list(dict.fromkeys(None if (owner := owner_of(call)) is None else owner.party for call in calls))


class _Record:
    __slots__ = ("leases", "level", "uris")

    def __init__(self) -> None:
        self.leases = 0
        self.level: int | None = None
        self.uris: set[str] = set()


class Holders:
    """The holders of one backend, in the order in which they came."""

    def __init__(self) -> None:
        self._records: dict[Holder, _Record] = {}
        self.leases = 0
        """Leases held, which may be several for one holder."""

    def __len__(self) -> int:
        return len(self._records)

    def __iter__(self) -> Iterator[Holder]:
        return iter(list(self._records))

    def __contains__(self, holder: Holder) -> bool:
        return holder in self._records

    def add(self, holder: Holder) -> None:
        """Count one more lease of this holder."""
        record = self._records.get(holder)
        if record is None:
            record = self._records[holder] = _Record()
        record.leases += 1
        self.leases += 1

    def remove(self, holder: Holder) -> bool:
        """Count one lease less; True if that was the holder's last, with which its wishes go."""
        record = self._records[holder]
        record.leases -= 1
        self.leases -= 1
        if record.leases:
            return False
        del self._records[holder]
        return True

    def set_level(self, holder: Holder, level: str | None) -> None:
        """The lowest severity of log messages that this holder wants; None wants no more than what its calls cause.

        Raises:
            ValueError: there is no such severity.
        """
        self._records[holder].level = None if level is None else severity(level)

    def level_of(self, holder: Holder) -> str | None:
        """What `set_level` said."""
        record = self._records.get(holder)
        return None if record is None or record.level is None else LOG_LEVELS[record.level]

    @property
    def lowest_level(self) -> str | None:
        """The level at which the server must log so that everybody hears what they asked for; None: nobody asked."""
        levels = [record.level for record in self._records.values() if record.level is not None]
        return LOG_LEVELS[min(levels)] if levels else None

    def wanting_level(self, level: str) -> list[Holder]:
        """The holders that asked for messages of this severity. An unknown severity counts as the highest."""
        rank = LOG_LEVELS.index(level) if level in LOG_LEVELS else len(LOG_LEVELS)
        return [holder for holder, r in self._records.items() if r.level is not None and r.level <= rank]

    def subscribe(self, holder: Holder, uri: str) -> bool:
        """Note a subscription; True if it is the first to this URI."""
        first = not any(uri in record.uris for record in self._records.values())
        self._records[holder].uris.add(uri)
        return first

    def unsubscribe(self, holder: Holder, uri: str) -> bool:
        """Forget a subscription; True if it was the last to this URI."""
        record = self._records.get(holder)
        if record is None or uri not in record.uris:
            return False
        record.uris.discard(uri)
        return not any(uri in other.uris for other in self._records.values())

    def uris_of(self, holder: Holder) -> frozenset[str]:
        """What this holder subscribed to."""
        record = self._records.get(holder)
        return frozenset() if record is None else frozenset(record.uris)

    @property
    def uris(self) -> tuple[str, ...]:
        """Every URI that somebody subscribed to, sorted."""
        return tuple(sorted({uri for record in self._records.values() for uri in record.uris}))

    def subscribed(self, uri: str) -> list[Holder]:
        """The holders to tell of an update of `uri`: those that subscribed to it or to what contains it."""
        return [
            holder
            for holder, record in self._records.items()
            if any(uri == wanted or uri.startswith(wanted.rstrip("/") + "/") for wanted in record.uris)
        ]

    def subscribers(self, uri: str) -> list[Holder]:
        """The holders that subscribed to exactly this."""
        return [holder for holder, record in self._records.items() if uri in record.uris]

"""The difference between what was told of named things and what is so now. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from mcpool.world.section import Json


@dataclass(frozen=True, slots=True)
class Change:
    """What came, changed and went, by name, each in the order of the names."""

    came: dict[str, dict[str, Json]]
    changed: dict[str, dict[str, Json]]
    went: tuple[str, ...]

    @property
    def nothing(self) -> bool:
        """Whether all is as it was told."""
        return not (self.came or self.changed or self.went)


def change(previous: Mapping[str, Json] | None, now: Mapping[str, Json]) -> Change:
    """From what was told to what is so; without `previous` everything came."""
    before = previous or {}
    facts = {name: value for name, value in sorted(now.items()) if isinstance(value, dict)}
    return Change(
        came={name: value for name, value in facts.items() if name not in before},
        changed={name: value for name, value in facts.items() if name in before and before[name] != value},
        went=tuple(sorted(name for name in before if name not in now)),
    )


def lines(things: Mapping[str, dict[str, Json]], say: Callable[[str, dict[str, Json]], str]) -> list[str]:
    """One line for each."""
    return [say(name, facts) for name, facts in things.items()]


def text_of(facts: Mapping[str, Json], key: str) -> str:
    """A text of a snapshot; empty if it is missing or something else, as in one that an older version kept."""
    value = facts.get(key)
    return value if isinstance(value, str) else ""


def number_of(facts: Mapping[str, Json], key: str) -> int | None:
    """A number of a snapshot; None if it is missing or something else."""
    value = facts.get(key)
    return value if isinstance(value, int) and not isinstance(value, bool) else None

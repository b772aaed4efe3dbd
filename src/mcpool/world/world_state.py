"""What a thread's model was told of the world, and what it has to be told next."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from mcpool.world.connectors import ConnectorsSection
from mcpool.world.environments import EnvironmentsSection
from mcpool.world.mentioned_skills import MentionedSkillsSection
from mcpool.world.merge_patch import applied, difference
from mcpool.world.plugins import PluginsSection
from mcpool.world.section import Json, Section, Snapshot, Warns
from mcpool.world.skills import HOST_SKILLS, SELECTED_SKILLS
from mcpool.world.surroundings import Surroundings
from mcpool.world.tools import ToolsSection

OUR_SECTIONS: tuple[Section, ...] = (
    EnvironmentsSection(),
    ToolsSection(),
    HOST_SKILLS,
    SELECTED_SKILLS,
    MentionedSkillsSection(),
    PluginsSection(),
    ConnectorsSection(),
)


@dataclass(frozen=True, slots=True)
class Fragment:
    """What one section has to say."""

    section: str
    text: str


@dataclass(frozen=True, slots=True)
class News:
    """What the model is to be told now. With nothing to tell there are no fragments."""

    fragments: tuple[Fragment, ...]
    patch: Mapping[str, Json]
    """The merge patch (RFC 7386) from the snapshots that were told before to those that are told now."""
    warnings: tuple[str, ...] = ()
    """For the person: what there was no room to tell."""

    @property
    def text(self) -> str:
        """All of it, to be put into the history; empty if there is nothing."""
        return "\n".join(fragment.text for fragment in self.fragments)


class WorldState:
    """The sections of one thread, and the snapshots of what its model was told."""

    def __init__(self, sections: Sequence[Section] = OUR_SECTIONS) -> None:
        """`sections` in the order in which they are told.

        Raises:
            ValueError: two sections have the same id.
        """
        ids = [section.id for section in sections]
        if doubled := sorted({id for id in ids if ids.count(id) > 1}):
            raise ValueError(f"several sections of the world state are called {', '.join(doubled)}")
        self._sections = tuple(sections)
        self._told: dict[str, Json] = {}

    @property
    def told(self) -> Mapping[str, Json]:
        """The snapshots of what was told, by section."""
        return self._told

    def tell(self, surroundings: Surroundings, *, retained: Collection[str] | None = None) -> News:
        """What is to be told now; it counts as told from here on.

        `retained` names the sections of which some fragment is still in the history; of the others all is told again.
        None: nothing was lost.

        Raises:
            ValueError: a section's snapshot holds a null.
        """
        fragments: list[Fragment] = []
        warnings: list[str] = []
        now: dict[str, Json] = {}
        for section in self._sections:
            snapshot = section.snapshot(surroundings)
            if snapshot is None:
                continue
            now[section.id] = snapshot
            previous = self._previous(section.id, retained)
            text = section.render(previous, snapshot)
            if text is None:
                continue
            fragments.append(Fragment(section.id, text))
            if isinstance(section, Warns) and (warning := section.warning(previous, snapshot)) is not None:
                warnings.append(warning)
        patch = difference(self._told, now)
        self._told = now
        return News(tuple(fragments), patch, tuple(warnings))

    def restore(self, patches: Sequence[Mapping[str, Json]]) -> None:
        """Take up what was told before, from the patches that were kept with the thread, oldest first."""
        told: Json = {}
        for patch in patches:
            told = applied(told, dict(patch))
        self._told = cast("dict[str, Json]", told)

    def _previous(self, section: str, retained: Collection[str] | None) -> Snapshot | None:
        if retained is not None and section not in retained:
            return None
        told = self._told.get(section)
        return told if isinstance(told, dict) else None

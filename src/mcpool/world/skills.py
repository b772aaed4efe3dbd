"""The section on skills: instructions that the model may read when a task calls for them."""

from __future__ import annotations

from collections.abc import Mapping

from mcpool.world.bounded_text import LINE, Group, fitting, fragment, one_line, shortened
from mcpool.world.named_things import Change, change, lines, text_of
from mcpool.world.section import Json, Snapshot
from mcpool.world.surroundings import Surroundings

ROOM = 8 * 1024
"""Bytes of what is told of skills at a time."""

_LENGTHS = (LINE, 120, 60, 30, 0)
"""Characters of a description, of which the most are taken that leave room for all skills."""


class SkillsSection:
    """Tells of skills in one kind of place: on the host, or in the environments that were selected for the thread."""

    def __init__(self, id: str, where: str, *, on_host: bool) -> None:
        self.id = id
        self._where = where
        self._on_host = on_host

    def snapshot(self, surroundings: Surroundings) -> Snapshot | None:
        """By name."""
        if surroundings.skills is None:
            return None
        found: Snapshot = {}
        for name, facts in surroundings.skills.items():
            if (facts.environment is None) is self._on_host:
                said: dict[str, Json] = {"description": one_line(facts.description), "path": facts.path}
                if facts.environment is not None:
                    said["environment"] = facts.environment
                found[name] = said
        return found

    def render(self, previous: Mapping[str, Json] | None, now: Mapping[str, Json]) -> str | None:
        """In full, or what changed; that there are none only if there were some."""
        groups, _ = self._groups(change(previous, now), empty=not now)
        return fragment(self.id, groups, ROOM)

    def warning(self, previous: Mapping[str, Json] | None, now: Mapping[str, Json]) -> str | None:
        """What the person should know of what there was no room for (`section.Warns`)."""
        news = change(previous, now)
        groups, longest = self._groups(news, empty=not now)
        left = sum(len(entries) - fits for (_, entries), fits in zip(groups, fitting(groups, ROOM), strict=True))
        every = len(news.came) + len(news.changed)
        if left:
            what = f"{left} of {every} skills {self._where} are not listed for the model, and the others by name alone"
            return f"{what}: there is room for {ROOM} bytes; choose fewer, or name those that are wanted"
        if longest < LINE:
            what = (
                f"the descriptions of {every} skills {self._where} are shortened to {longest} characters for the model"
            )
            return f"{what}: there is room for {ROOM} bytes; choose fewer, or write shorter ones"
        return None

    def _groups(self, news: Change, *, empty: bool) -> tuple[list[Group], int]:
        """The lines, and how long their descriptions may be: as long as there is room for all skills, or empty."""
        went = [one_line(name) for name in news.went]
        if went and empty:
            went.append("none are available any more")
        groups: list[Group] = []
        longest = LINE
        for longest in _LENGTHS:
            groups = [
                (f"Skills {self._where} (read the file when a task matches):", _lines(news.came, longest)),
                (f"Skills {self._where} that changed:", _lines(news.changed, longest)),
                (f"Skills {self._where} that are no longer there:", went),
            ]
            if fitting(groups, ROOM) == [len(entries) for _, entries in groups]:
                break
        return groups, longest


HOST_SKILLS = SkillsSection("host_skills", "on this machine", on_host=True)
SELECTED_SKILLS = SkillsSection("skills", "of the selected environments", on_host=False)


def _lines(skills: Mapping[str, dict[str, Json]], longest: int) -> list[str]:
    return lines(skills, lambda name, facts: _line(name, facts, longest))


def _line(name: str, facts: dict[str, Json], longest: int) -> str:
    environment = text_of(facts, "environment")
    place = f"{one_line(text_of(facts, 'path'))}{f' in {one_line(environment)}' if environment else ''}"
    description = shortened(text_of(facts, "description"), longest)
    return f"{one_line(name)} ({place}){f': {description}' if description else ''}"

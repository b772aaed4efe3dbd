"""The section on skills: instructions that the model may read when a task calls for them."""

from __future__ import annotations

from collections.abc import Mapping

from mcpool.world.bounded_text import fragment, one_line
from mcpool.world.named_things import change, lines, text_of
from mcpool.world.section import Json, Snapshot
from mcpool.world.surroundings import Surroundings


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
        news = change(previous, now)
        went = [one_line(name) for name in news.went]
        if went and not now:
            went.append("none are available any more")
        return fragment(
            self.id,
            [
                (f"Skills {self._where} (read the file when a task matches):", lines(news.came, _line)),
                (f"Skills {self._where} that changed:", lines(news.changed, _line)),
                (f"Skills {self._where} that are no longer there:", went),
            ],
        )


HOST_SKILLS = SkillsSection("host_skills", "on this machine", on_host=True)
SELECTED_SKILLS = SkillsSection("skills", "of the selected environments", on_host=False)


def _line(name: str, facts: dict[str, Json]) -> str:
    environment = text_of(facts, "environment")
    place = f"{one_line(text_of(facts, 'path'))}{f' in {one_line(environment)}' if environment else ''}"
    description = text_of(facts, "description")
    return f"{one_line(name)} ({place}){f': {description}' if description else ''}"

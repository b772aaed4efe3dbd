"""The section on environments: the places where the model's tools run."""

from __future__ import annotations

from collections.abc import Mapping

from mcpool.world.bounded_text import fragment, one_line
from mcpool.world.named_things import change, lines, text_of
from mcpool.world.section import Json, Snapshot
from mcpool.world.surroundings import Surroundings


class EnvironmentsSection:
    """Tells which are there, which are on their way, and which have gone."""

    id = "environments"

    def snapshot(self, surroundings: Surroundings) -> Snapshot | None:
        """By id."""
        if surroundings.environments is None:
            return None
        found: Snapshot = {}
        for id, facts in surroundings.environments.items():
            said: dict[str, Json] = {"status": facts.status}
            if facts.cwd is not None:
                said["cwd"] = facts.cwd
            if facts.shell is not None:
                said["shell"] = facts.shell
            found[id] = said
        return found

    def render(self, previous: Mapping[str, Json] | None, now: Mapping[str, Json]) -> str | None:
        """In full, or those that changed."""
        news = change(previous, now)
        gone = [f"{one_line(id)}: unavailable" for id in news.went]
        return fragment(
            self.id,
            [
                ("Environments:", lines(news.came, _line)),
                ("Environments that changed:", lines(news.changed, _line)),
                ("Environments that are no longer there:", gone),
            ],
        )


def _line(id: str, facts: dict[str, Json]) -> str:
    status = text_of(facts, "status")
    words = {
        "ready": "ready",
        "pending": "starting; wait for it only if you need it",
        "disconnected": "unavailable at the moment",
    }.get(status, "unavailable")
    details = [f"{key} {one_line(text_of(facts, key))}" for key in ("cwd", "shell") if text_of(facts, key)]
    return ", ".join((f"{one_line(id)}: {words}", *details))

"""The section on connectors: applications that are reached through the host's own server."""

from __future__ import annotations

from collections.abc import Mapping

from mcpool.world.bounded_text import fragment, one_line
from mcpool.world.named_things import change, lines, number_of, text_of
from mcpool.world.section import Json, Snapshot
from mcpool.world.surroundings import Surroundings


class ConnectorsSection:
    """Tells which can be used."""

    id = "connectors"

    def snapshot(self, surroundings: Surroundings) -> Snapshot | None:
        """By id."""
        if surroundings.connectors is None:
            return None
        return {
            id: {"name": facts.name, "description": one_line(facts.description), "tools": facts.tools}
            for id, facts in surroundings.connectors.items()
        }

    def render(self, previous: Mapping[str, Json] | None, now: Mapping[str, Json]) -> str | None:
        """In full, or what changed."""
        news = change(previous, now)
        before = previous or {}
        gone = [_name(id, facts) for id in news.went if isinstance(facts := before[id], dict)]
        return fragment(
            self.id,
            [
                ("Connected applications:", lines(news.came, _line)),
                ("Connected applications that changed:", lines(news.changed, _line)),
                ("Applications that are no longer connected:", gone),
            ],
        )


def _name(id: str, facts: dict[str, Json]) -> str:
    return one_line(text_of(facts, "name") or id)


def _line(id: str, facts: dict[str, Json]) -> str:
    tools = number_of(facts, "tools") or 0
    description = text_of(facts, "description")
    number = "1 tool" if tools == 1 else f"{tools} tools"
    return f"{_name(id, facts)}: {number}{f'. {description}' if description else ''}"

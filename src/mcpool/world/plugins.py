"""The section on plugins: bundles of servers and skills."""

from __future__ import annotations

from collections.abc import Mapping

from mcpool.world.bounded_text import fragment, one_line
from mcpool.world.named_things import change, lines, text_of
from mcpool.world.section import Json, Snapshot
from mcpool.world.surroundings import Surroundings


class PluginsSection:
    """Tells which are there and what they bring."""

    id = "plugins"

    def snapshot(self, surroundings: Surroundings) -> Snapshot | None:
        """By name."""
        if surroundings.plugins is None:
            return None
        return {
            name: {
                "description": one_line(facts.description),
                "servers": ", ".join(sorted(facts.servers)),
                "skills": ", ".join(sorted(facts.skills)),
            }
            for name, facts in surroundings.plugins.items()
        }

    def render(self, previous: Mapping[str, Json] | None, now: Mapping[str, Json]) -> str | None:
        """In full, or what changed."""
        news = change(previous, now)
        return fragment(
            self.id,
            [
                ("Plugins:", lines(news.came, _line)),
                ("Plugins that changed:", lines(news.changed, _line)),
                ("Plugins that are no longer there:", [one_line(name) for name in news.went]),
            ],
        )


def _line(name: str, facts: dict[str, Json]) -> str:
    brings = "; ".join(f"{key}: {one_line(text)}" for key in ("servers", "skills") if (text := text_of(facts, key)))
    description = text_of(facts, "description")
    return f"{one_line(name)}{f': {description}' if description else ''}{f' ({brings})' if brings else ''}"

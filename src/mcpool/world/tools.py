"""The section on tools: which servers can be called, and which lost what they kept in memory."""

from __future__ import annotations

from collections.abc import Mapping

from mcpool.world.bounded_text import fragment, one_line
from mcpool.world.named_things import change, lines, number_of, text_of
from mcpool.world.section import Json, Snapshot
from mcpool.world.surroundings import Surroundings


class ToolsSection:
    """Tells of servers that came, changed, went or were restarted. The tools are in the request's own list."""

    id = "tools"

    def snapshot(self, surroundings: Surroundings) -> Snapshot | None:
        """By server."""
        if surroundings.servers is None:
            return None
        found: Snapshot = {}
        for name, facts in surroundings.servers.items():
            said: dict[str, Json] = {"lost": facts.lost}
            if facts.tools is not None:
                said["tools"] = facts.tools
            if about := one_line(facts.about):
                said["about"] = about
            found[name] = said
        return found

    def render(self, previous: Mapping[str, Json] | None, now: Mapping[str, Json]) -> str | None:
        """In full, or what changed."""
        news = change(previous, now)
        before = previous or {}
        restarted = [name for name, facts in news.changed.items() if _losses(facts) > _losses(before[name])]
        different = {
            name: facts for name, facts in news.changed.items() if _but_losses(facts) != _but_losses(before[name])
        }
        went = [one_line(name) for name in news.went]
        if went and not now:
            went.append("none remain")
        return fragment(
            self.id,
            [
                ("Servers whose tools you can call:", lines(news.came, _line)),
                ("Servers that changed:", lines(different, _line)),
                (
                    "Restarted since you used them; what they kept in memory is lost:",
                    [one_line(name) for name in restarted],
                ),
                ("Servers whose tools are no longer there:", went),
            ],
        )


def losses_told(told: Mapping[str, Json]) -> dict[str, int]:
    """How many losses of each server are counted in the snapshots of what was told."""
    servers = told.get(ToolsSection.id)
    return {name: _losses(facts) for name, facts in servers.items()} if isinstance(servers, dict) else {}


def _line(name: str, facts: dict[str, Json]) -> str:
    tools = number_of(facts, "tools")
    number = "still starting" if tools is None else "1 tool" if tools == 1 else f"{tools} tools"
    about = text_of(facts, "about")
    return f"{one_line(name)}: {number}{f'. {about}' if about else ''}"


def _losses(facts: Json) -> int:
    return (number_of(facts, "lost") or 0) if isinstance(facts, dict) else 0


def _but_losses(facts: Json) -> Json:
    return {key: value for key, value in facts.items() if key != "lost"} if isinstance(facts, dict) else facts

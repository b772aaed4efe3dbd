"""The section on skills that the user named: their whole text, once."""

from __future__ import annotations

from collections.abc import Mapping

from mcpool.world.bounded_text import one_line
from mcpool.world.named_things import change, text_of
from mcpool.world.section import Json, Snapshot
from mcpool.world.surroundings import SkillText, Surroundings

LONGEST = 32 * 1024
"""Bytes of one skill."""

FRAGMENT = 96 * 1024
"""Bytes of all that are told at a time."""


class MentionedSkillsSection:
    """Tells the text of a skill when the user first names it, and again when it changed or left the history."""

    id = "mentioned_skills"

    def snapshot(self, surroundings: Surroundings) -> Snapshot | None:
        """By name."""
        if surroundings.mentioned is None:
            return None
        return {
            name: {"path": skill.path, "text": _bounded(skill.text, skill.path)}
            for name, skill in surroundings.mentioned.items()
        }

    def render(self, previous: Mapping[str, Json] | None, now: Mapping[str, Json]) -> str | None:
        """Those that were not told, as far as there is room. A skill that is no longer there was told all the same."""
        news = change(previous, now)
        told: list[str] = []
        room = FRAGMENT
        for name, facts in (news.came | news.changed).items():
            text = text_of(facts, "text")
            room -= len(text.encode())
            if room < 0:
                text = f"There is no room for its text here: read {text_of(facts, 'path')}"
            told.append(
                f"<skill>\n<name>{one_line(name)}</name>\n<path>{one_line(text_of(facts, 'path'))}</path>\n"
                f"{text}\n</skill>"
            )
        return "\n".join(told) or None


def skills_told(told: Mapping[str, Json]) -> dict[str, SkillText]:
    """The skills in the snapshots of what was told."""
    skills = told.get(MentionedSkillsSection.id)
    if not isinstance(skills, dict):
        return {}
    return {
        name: SkillText(text_of(facts, "text"), text_of(facts, "path"))
        for name, facts in skills.items()
        if isinstance(facts, dict)
    }


def _bounded(text: str, path: str) -> str:
    """The text without what would end the fragment before its end, shortened where it is too long."""
    clean = text.encode("utf-8", "replace").decode().replace("\0", "").replace("</skill", "<\\/skill")
    raw = clean.encode()
    rest = f"\n... the rest of it is in {path}"
    if len(raw) <= LONGEST or (clean.endswith(rest) and len(raw) <= LONGEST + len(rest.encode())):
        return clean
    return raw[:LONGEST].decode("utf-8", "ignore") + rest

"""A SKILL.md: what a model is told of it before it reads it. Pure."""

from __future__ import annotations

import re

from mcpool.config.problem import Report, Spot
from mcpool.plugins import front_matter
from mcpool.plugins.contents import Skill

FILE = "SKILL.md"
MOST = 128
"""Of one root."""

LONGEST = 256 * 1024
"""Bytes of the file."""

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_LONGEST_DESCRIPTION = 1024


def read_skill(text: str, path: str, folder: str, plugin: str, environment: str, report: Report) -> Skill | None:
    """What its head says; None if it cannot be used, which the report then says.

    `folder` is what the folder is called in which it lies; `plugin` is empty for a skill of no plugin.
    """
    spot = Spot(report, ())
    try:
        head, body = front_matter.split(text)
    except ValueError as error:
        spot.error(f"cannot be read: {error}", "end it with a line `---`")
        return None
    name = head.get("name") or folder
    if not NAME.fullmatch(name):
        spot.at("name").error("is no name for a skill", "use letters, digits, `-`, `_` and `.`, 64 at most")
        return None
    description = head.get("description") or _first_sentence(body)
    if not description:
        spot.at("description").error("is missing, so that no model knows when to read it", "write one in its head")
        return None
    own = f"{plugin}:{name}" if plugin else name
    return Skill(own, description[:_LONGEST_DESCRIPTION], path, environment)


def _first_sentence(body: str) -> str:
    """The first line of the text that is no heading."""
    return next((line.strip() for line in body.splitlines() if line.strip() and not line.startswith("#")), "")

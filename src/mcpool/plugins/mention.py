"""What a user names in what they write: `$NAME`. Pure."""

from __future__ import annotations

import re

MOST = 64
"""Names in one text."""

_NAME = re.compile(r"(?<![A-Za-z0-9_$\\])\$([A-Za-z0-9][A-Za-z0-9_.:-]*)")


def named_in(text: str) -> tuple[str, ...]:
    """The names after a `$`, each once, in the order of the text. Whether they name anything is for others to say."""
    found: dict[str, None] = {}
    for match in _NAME.finditer(text):
        found.setdefault(match[1].rstrip(".:-"), None)
        if len(found) == MOST:
            break
    return tuple(found)

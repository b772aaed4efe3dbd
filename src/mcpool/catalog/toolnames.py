"""Names under which a model, or a client of the gateway, sees the tools of many servers.

A name depends on the tool's raw identity and on the tools that collide with it, on nothing else: not on the order in
which servers answer, not on unrelated tools, not on what was allocated before.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

_DIGITS_PER_LEVEL = 12
_MIN_LIMIT = 64
_INVALID = re.compile(r"[^A-Za-z0-9_-]")


class ToolKey(NamedTuple):
    """One tool by its raw names."""

    server: str
    tool: str


@dataclass(frozen=True, slots=True)
class NameProfile:
    """What a model provider allows: `limit` is the longest name in characters, at least 64.

    Raises:
        ValueError: `limit` is lower, so that unique names could not be promised.
    """

    limit: int

    def __post_init__(self) -> None:
        if self.limit < _MIN_LIMIT:
            msg = f"a name limit of {self.limit} is too low: {_MIN_LIMIT} is the least that keeps names unique"
            raise ValueError(msg)


PROFILE_64 = NameProfile(64)
PROFILE_128 = NameProfile(128)


def allocate(keys: Iterable[ToolKey], profile: NameProfile = PROFILE_64) -> dict[ToolKey, str]:
    """The model-facing name of each tool, `mcp__server__tool`: unique, `[A-Za-z0-9_-]`, within the profile's limit.

    The result is ordered by key. Exact duplicates in `keys` count once.
    """
    return _unique(keys, "mcp__", profile)


def prefixed(keys: Iterable[ToolKey], profile: NameProfile = PROFILE_64) -> dict[ToolKey, str]:
    """Like `allocate`, but `server__tool`: for an MCP client, which puts its own prefix before it."""
    return _unique(keys, "", profile)


def _unique(keys: Iterable[ToolKey], prefix: str, profile: NameProfile) -> dict[ToolKey, str]:
    """Start with plain names and lengthen the hash of whatever still collides.

    A group that collides is treated alike, so that none of its names depends on who came first. A plain name that
    imitates another tool's hashed name is a collision like any other. The loop ends because digests differ.
    """
    names = {key: _name(key, prefix, profile.limit, 0) for key in sorted(set(keys))}
    levels = dict.fromkeys(names, 0)
    while True:
        uses = Counter(names.values())
        clashing = [key for key, name in names.items() if uses[name] > 1]
        if not clashing:
            return names
        for key in clashing:
            levels[key] += 1
            names[key] = _name(key, prefix, profile.limit, levels[key])


def _name(key: ToolKey, prefix: str, limit: int, level: int) -> str:
    plain = f"{prefix}{_INVALID.sub('_', key.server)}__{_INVALID.sub('_', key.tool)}"
    if level == 0 and len(plain) <= limit:
        return plain
    raw = json.dumps([key.server, key.tool]).encode("ascii")
    suffix = "_" + hashlib.sha256(raw).hexdigest()[: min(max(level, 1) * _DIGITS_PER_LEVEL, _MIN_LIMIT - 1)]
    return plain[: limit - len(suffix)] + suffix

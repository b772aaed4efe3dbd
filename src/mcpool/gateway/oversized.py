"""Whose answer is due for a message that is too long to be read."""

from __future__ import annotations

import json
import re

ENDS = 1024
"""Bytes at the beginning and the end of a message that are looked at."""

TOO_LARGE = -32012
"""The gateway's error code for a message that is larger than its limit."""

_SCALAR = rb'("(?:[^"\\]|\\.)*"|-?\d+)'
_ID_FIRST = re.compile(rb'\s*\{\s*(?:"jsonrpc"\s*:\s*"2\.0"\s*,\s*)?"id"\s*:\s*' + _SCALAR)
_ID_LAST = re.compile(rb'"id"\s*:\s*' + _SCALAR + rb"\s*\}\s*\Z")


def guess_id(message: bytes) -> str | int | None:
    """The id of a request of which the first and last `ENDS` bytes are given, where libraries use to put it: near the
    beginning, or at the very end. None if it is not there."""
    found = _ID_FIRST.match(message[:ENDS]) or _ID_LAST.search(message[-ENDS:])
    try:
        return None if found is None else json.loads(found[1])
    except ValueError:
        return None

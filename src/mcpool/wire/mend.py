"""Text that is almost JSON, made valid.

What the strict decoder refuses but whole families of servers write: a byte order mark, bytes that are no UTF-8, lone
surrogates, raw control characters in strings, NaN and Infinity. Numbers and everything else stay as they were written.
"""

from __future__ import annotations

import re

MEND_LIMIT = 2 * 1024 * 1024
"""Lines above this many bytes are not mended: it would hold up everybody else on the loop."""

_TOKEN = re.compile(r'"(?:[^"\\]++|\\.)*+"?|-?\bInfinity\b|\bNaN\b', re.DOTALL)
"""A string without end counts as one, or each of its quotes would be tried as the beginning of another."""

_HEX = "[0-9a-fA-F]"
_IN_STRING = re.compile(
    rf"\\u[dD][89abAB]{_HEX}{{2}}\\u[dD][c-fC-F]{_HEX}{{2}}"  # a pair: valid
    rf"|\\u[dD][89a-fA-F]{_HEX}{{2}}"  # half of one
    r"|\\."
    r"|[\x00-\x1f]",
    re.DOTALL,
)
_ESCAPED_HALF = 6


def mend(line: bytes) -> bytes:
    """The line with everything mended that can be. The strict decoder has the last word on the outcome."""
    text = line.decode("utf-8", "replace").lstrip("\ufeff")
    return _TOKEN.sub(_mend_token, text).encode()


def _mend_token(match: re.Match[str]) -> str:
    token = match[0]
    if token[0] != '"':
        return "null"
    return token if token.isprintable() and "\\u" not in token else _IN_STRING.sub(_mend_in_string, token)


def _mend_in_string(match: re.Match[str]) -> str:
    found = match[0]
    if found[0] != "\\":
        return f"\\u{ord(found):04x}"
    return "\\ufffd" if len(found) == _ESCAPED_HALF else found

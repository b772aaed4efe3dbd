"""What a server says in `WWW-Authenticate` that it lacks (RFC 6750, section 3). Pure."""

from __future__ import annotations

import re

_ERROR = re.compile(r'(?:^|[\s,])error\s*=\s*"?insufficient_scope\b', re.IGNORECASE)
_SCOPE = re.compile(r'(?:^|[\s,])scope\s*=\s*(?:"([^"]*)"|([^\s,"]+))', re.IGNORECASE)
_TOKEN = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]{1,200}")
_MOST = 50


def scopes_lacking(header: str | None) -> tuple[str, ...]:
    """The scopes that a token would need besides; none if that is not what the header says."""
    if header is None or _ERROR.search(header) is None:
        return ()
    found = _SCOPE.search(header)
    words = (found[1] or found[2] or "").split() if found is not None else []
    return tuple(dict.fromkeys(word for word in words if _TOKEN.fullmatch(word)))[:_MOST]

"""What 2026-07-28 wants in a result that an earlier server, or the gateway itself, does not put there. Pure."""

from __future__ import annotations

from typing import Final

from msgspec import Raw

from mcpool.wire import params as wire_params
from mcpool.wire.revisions import CACHEABLE_METHODS

_COMPLETE: Final = Raw(b'"complete"')
_TTL: Final = Raw(b"0")
_SCOPE: Final = Raw(b'"private"')
_HEAD: Final = b'{"resultType":"complete"'


def stamped(method: str, result: bytes) -> bytes:
    """The result with its type and, where it may be cached, for how long; what the server said of these stays."""
    if method in CACHEABLE_METHODS:
        fields = wire_params.split(result)
        fields.setdefault("resultType", _COMPLETE)
        if bytes(fields["resultType"]) == b'"complete"':
            fields.setdefault("ttlMs", _TTL)
            fields.setdefault("cacheScope", _SCOPE)
        return wire_params.join(fields)
    if b'"resultType"' in result:
        fields = wire_params.split(result)
        if "resultType" in fields:
            return result
    # Spliced, not decoded: the result may be large.
    body = result[1:].lstrip()
    return _HEAD + (b"}" if body == b"}" else b"," + body)

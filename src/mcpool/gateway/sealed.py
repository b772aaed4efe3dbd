"""Bytes that a client keeps for us and cannot change: signed with the home's key, each kind with a label of its own."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from typing import Final

_MAC_BYTES: Final = 16
LONGEST: Final = 8192
"""Of what is sealed: anything longer is none of ours."""


def seal(label: bytes, body: bytes, key: bytes) -> bytes:
    """The signed body: visible ASCII. It can be read by whoever has it."""
    return base64.urlsafe_b64encode(_mac(label, body, key) + body).rstrip(b"=")


def unseal(label: bytes, sealed: bytes, key: bytes) -> bytes | None:
    """The body; None if we did not sign it under this label."""
    if len(sealed) > LONGEST:
        return None
    try:
        whole = base64.b64decode(sealed + b"=" * (-len(sealed) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    mac, body = whole[:_MAC_BYTES], whole[_MAC_BYTES:]
    return body if hmac.compare_digest(mac, _mac(label, body, key)) else None


def _mac(label: bytes, body: bytes, key: bytes) -> bytes:
    return hmac.digest(key, label + b"\0" + body, hashlib.sha256)[:_MAC_BYTES]

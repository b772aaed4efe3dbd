"""Session ids that carry what they stand for, signed with the home's key.

After a restart of the daemon an id that it never saw is verified and its session made anew, so that no client notices.
A ticket names principal and route, and is good for these only.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from typing import Final

import msgspec

_VERSION: Final = 1
_MAC_BYTES: Final = 16
_LONGEST: Final = 8192
_CAPABILITIES_BYTES: Final = 2048


class Ticket(msgspec.Struct, frozen=True, array_like=True):
    """What a session id carries. `route` is a server's name, None for all servers."""

    version: int
    nonce: bytes
    principal: str
    route: str | None
    revision: str
    capabilities: msgspec.Raw


_decoder = msgspec.json.Decoder(Ticket)


def new_ticket(nonce: bytes, principal: str, route: str | None, revision: str, capabilities: bytes) -> Ticket:
    """A ticket for a session that begins. `nonce` makes it unique; capabilities too large to carry are left out."""
    carried = capabilities if len(capabilities) <= _CAPABILITIES_BYTES else b"{}"
    return Ticket(_VERSION, nonce, principal, route, revision, msgspec.Raw(carried))


def seal(ticket: Ticket, key: bytes) -> bytes:
    """The session id: visible ASCII."""
    body = msgspec.json.encode(ticket)
    return base64.urlsafe_b64encode(_mac(body, key) + body).rstrip(b"=")


def unseal(session_id: bytes, key: bytes) -> Ticket | None:
    """The ticket in a session id; None if we did not make it."""
    if len(session_id) > _LONGEST:
        return None
    try:
        sealed = base64.b64decode(session_id + b"=" * (-len(session_id) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    mac, body = sealed[:_MAC_BYTES], sealed[_MAC_BYTES:]
    if not hmac.compare_digest(mac, _mac(body, key)):
        return None
    try:
        ticket = _decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    return ticket if ticket.version == _VERSION else None


def _mac(body: bytes, key: bytes) -> bytes:
    return hmac.digest(key, b"mcpool session\0" + body, hashlib.sha256)[:_MAC_BYTES]

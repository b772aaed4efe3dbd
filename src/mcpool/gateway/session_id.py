"""Session ids that carry what they stand for, signed with the home's key.

After a restart of the daemon an id that it never saw is verified and its session made anew, so that no client notices.
A ticket names principal and route, and is good for these only.
"""

from __future__ import annotations

from typing import Final

import msgspec

from mcpool.gateway import sealed

_VERSION: Final = 1
_LABEL: Final = b"mcpool session"
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
    return sealed.seal(_LABEL, msgspec.json.encode(ticket), key)


def unseal(session_id: bytes, key: bytes) -> Ticket | None:
    """The ticket in a session id; None if we did not make it."""
    body = sealed.unseal(_LABEL, session_id, key)
    if body is None:
        return None
    try:
        ticket = _decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    return ticket if ticket.version == _VERSION else None

"""The `requestState` that a 2026-07-28 client hands back with its answers: for whom it is, until when, for what. Pure.

It is signed with the home's key, so nobody else can make one. That it is good for one use only is seen to by whoever
remembers its nonce.
"""

from __future__ import annotations

import hashlib
from typing import Final, Literal, NamedTuple

import msgspec

from mcpool.gateway import sealed
from mcpool.gateway.failure import Failure
from mcpool.gateway.message import text_of
from mcpool.gateway.names import INPUT_RESPONSES, REQUEST_STATE
from mcpool.gateway.upstream import Fields
from mcpool.wire.revisions import INVALID_PARAMS

_VERSION: Final = 1
_LABEL: Final = b"mcpool request state"
_BESIDES: Final = frozenset({INPUT_RESPONSES, REQUEST_STATE})
"""What a retry has and the request before it had not, or had otherwise."""

Reason = Literal["expired", "over", "other principal", "other endpoint", "other request", "no state", "not ours"]
_SAID: Final[dict[Reason, str]] = {
    "expired": "it has expired, and the call that it belongs to was cancelled; send the request anew, without it",
    "over": "it was used already, or the call that it belongs to is over; to call anew, send the request without it",
    "other principal": "it was given to another client",
    "other endpoint": "it was given at another endpoint",
    "other request": "it belongs to another request; a retry has the same method and params, its answers apart",
    "no state": "`inputResponses` came without the `requestState` that they belong to",
    "not ours": "it was not given here, and this server speaks a revision that has none",
}


class Bond(NamedTuple):
    """What a state is tied to: the client, the endpoint, and the request that it continues."""

    principal: str
    route: str | None
    request: bytes
    """The digest of the method and the params."""


class RequestState(msgspec.Struct, frozen=True, array_like=True):
    """What a state carries. `expires` is in seconds since the epoch."""

    version: int
    nonce: bytes
    expires: int
    principal: str
    route: str | None
    request: bytes


_decoder = msgspec.json.Decoder(RequestState)


def bond_of(principal: str, route: str | None, method: str, fields: Fields) -> Bond:
    """The bond of a request. It is the same for its retry, in whatever order that has its params."""
    known = {name: bytes(value) for name, value in fields.items() if name not in _BESIDES}
    digest = hashlib.sha256(msgspec.json.encode(method))
    for name in sorted(known):
        digest.update(msgspec.json.encode([name, _canonical(known[name])]))
    return Bond(principal, route, digest.digest()[:16])


def _canonical(raw: bytes) -> bytes:
    try:
        return msgspec.json.encode(msgspec.json.decode(raw), order="deterministic")
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return raw


def seal(nonce: bytes, expires: float, bond: Bond, key: bytes) -> str:
    """A state: visible ASCII."""
    state = RequestState(_VERSION, nonce, int(expires), bond.principal, bond.route, bond.request)
    return sealed.seal(_LABEL, msgspec.json.encode(state), key).decode("ascii")


def unseal(raw: msgspec.Raw | bytes | None, key: bytes) -> RequestState | None:
    """The state in a raw JSON value; None if it is none that we made."""
    text = text_of(raw)
    if text is None or not text.isascii():
        return None
    body = sealed.unseal(_LABEL, text.encode("ascii"), key)
    if body is None:
        return None
    try:
        state = _decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    return state if state.version == _VERSION else None


def check(state: RequestState, bond: Bond, now: float) -> None:
    """Whether a request may present this state. `now` is in seconds since the epoch.

    Raises:
        Failure: it may not, and why.
    """
    if state.principal != bond.principal:
        raise refused("other principal")
    if state.route != bond.route:
        raise refused("other endpoint")
    if state.request != bond.request:
        raise refused("other request")
    if now >= state.expires:
        raise refused("expired")


def refused(reason: Reason) -> Failure:
    """The failure for a retry that cannot be taken. Nothing was touched."""
    what = _SAID[reason] if reason == "no state" else f"`requestState`: {_SAID[reason]}"
    data = {"mcpool": {"error": "RequestStateRefused", "reason": reason}}
    return Failure(INVALID_PARAMS, what, msgspec.json.encode(data))

"""A grant as it is kept: with the time of writing, by which the newer of two copies is told. A plain value."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from mcpool.config.server import LOCAL
from mcpool.oauth.grant import Grant

_TICK = 0.001


class Kept(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is known of a sign-in, and since when."""

    written_at: float
    """Unix time."""
    grant: Grant | None = None
    """None: the person has signed out. That stays written, so that an older copy elsewhere does not come back."""
    server: str = ""
    """The name of the server when it was signed in to; empty if that is not known."""
    principal: str = ""
    """On whose behalf (`signed_in_as`)."""
    environment: str = LOCAL
    """From where the server is reached."""


def newest(copies: Iterable[Kept | None]) -> Kept | None:
    """The one that counts; of equally old ones the first."""
    return max((kept for kept in copies if kept is not None), key=lambda kept: kept.written_at, default=None)


def stamp(now: float, *before: Kept | None) -> float:
    """When the next one is written: after those `before` it, also if the clock was put back."""
    latest = newest(before)
    return now if latest is None else max(now, latest.written_at + _TICK)


def still_counts(since: float, kept: Kept | None) -> bool:
    """Whether a renewal of what was written at `since` may take the place of what is kept now.

    A sign-in, a sign-out or another renewal after that is not undone. That another process was refused a renewal
    meanwhile says nothing: the issuer takes each refresh token once, and we were first.
    """
    if kept is None or kept.written_at <= since:
        return True
    return kept.grant is not None and kept.grant.access_token is None


def encode(kept: Kept) -> bytes:
    """For storage."""
    return msgspec.json.encode(kept)


def decode(data: bytes) -> Kept | None:
    """What `encode` made; None if it is anything else."""
    try:
        return msgspec.json.decode(data, type=Kept)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None

"""What a sign-in left behind: the tokens, and all that is needed to renew them. A plain value."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import msgspec

from mcpool.config.server import LOCAL, Http

RENEW_BEFORE = 30.0
"""Seconds before its expiry from which on a token is not used any more; of a short-lived one, half its life."""

OWN_PRINCIPALS = frozenset({"", "local", "default"})
"""Who is the owner of the home: the library's threads, the clients of the socket, and the first token."""


def signed_in_as(principal: str) -> str:
    """The name under which a principal's grants are kept; empty for the owner of the home."""
    return "" if principal in OWN_PRINCIPALS else principal


def sendable(token: str) -> bool:
    """Whether it can stand in a header (RFC 6750 allows less): issuers are other people's programs."""
    return bool(token) and all("!" <= char <= "~" for char in token)


class Place(msgspec.Struct, frozen=True):
    """What a grant is for: one server, reached from one environment, on behalf of one principal."""

    url: str
    principal: str
    """As `signed_in_as` says."""
    resource: str | None = None
    """What the tokens are asked for, if not the URL."""
    environment: str = LOCAL
    """From where it is reached. Elsewhere the same URL may be another server, and it is shown other tokens."""

    def key(self) -> bytes:
        """Equal for equal places, in whichever version of mcpool."""
        fields = msgspec.structs.asdict(self)
        if self.environment == LOCAL:
            del fields["environment"]
        return msgspec.json.encode(fields)


def grant_place(http: Http, principal: str, environment: str) -> Place:
    """Where the grant of a configured server is kept."""
    return Place(http.url, signed_in_as(principal), http.oauth_resource, environment)


class Grant(msgspec.Struct, frozen=True, omit_defaults=True):
    """The outcome of a sign-in. `client`, `server` and `resource` are the documents of the protocol, as they came."""

    url: str
    issuer: str
    """Who issued it. The refresh token is never shown to anybody else."""
    client: dict[str, Any]
    """The registration of this client with the issuer."""
    server: dict[str, Any] | None = None
    """The issuer's metadata."""
    resource: dict[str, Any] | None = None
    """The metadata of the protected server."""
    access_token: str | None = None
    """None after the issuer refused to renew it: a person has to sign in again."""
    refresh_token: str | None = None
    scope: str | None = None
    expires_at: float | None = None
    """Unix time."""
    lifetime: float | None = None
    """Seconds for which the access token was good when it was issued."""

    def __repr__(self) -> str:
        return f"<Grant for {urlsplit(self.url).hostname} by {self.issuer} [{self.state}]>"

    @property
    def host(self) -> str:
        """The issuer's address, for a person."""
        parts = urlsplit(self.issuer)
        return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"

    @property
    def state(self) -> str:
        """For a person."""
        if self.access_token is None:
            return "signed out"
        return "renewed by itself" if self.refresh_token is not None else "not renewable"

    def usable(self, now: float) -> str | None:
        """The access token, if it is good for a while yet."""
        reserve = RENEW_BEFORE if self.lifetime is None else min(RENEW_BEFORE, self.lifetime / 2)
        if self.expires_at is not None and now >= self.expires_at - reserve:
            return None
        return self.access_token

    def spent(self, *, registered: bool = True) -> Grant:
        """The same without tokens: what stays is the registration, for the next sign-in, if it is still good."""
        client = self.client if registered else {}
        return msgspec.structs.replace(
            self, client=client, access_token=None, refresh_token=None, expires_at=None, lifetime=None
        )

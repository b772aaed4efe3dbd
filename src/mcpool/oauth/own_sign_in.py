"""A client that signs in by itself, where no person does: the client credentials grant of OAuth.

What it gets is held in memory alone: it is had again at any time.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace

from mcpool.config.server import Http
from mcpool.errors import AuthRequired, ServerUnavailable
from mcpool.oauth.flight import Flight
from mcpool.oauth.grant import Grant
from mcpool.oauth.rest import Rest
from mcpool.oauth.way import Way

DEADLINE = 45.0
"""Seconds that it may take: the server, its issuer, and the server again."""


class OwnSignIn:
    """The tokens of one configured server (`wire.credentials.Credentials`), for all principals."""

    def __init__(self, server: str, http: Http, way: Way) -> None:
        self.server = server
        self._http = http
        self._way = way
        self.headers = http.http_headers
        """What the server, or something before it, wants to see besides; as of the newest connection."""
        self._grant: Grant | None = None
        self._rest = Rest()
        self._getting: Flight[str | None] = Flight(f"mcpool-oauth-{server}")

    def __repr__(self) -> str:
        return f"<OwnSignIn {self.server} [{self._grant!r}]>"

    @property
    def busy(self) -> bool:
        """Whether it is getting a token."""
        return self._getting.under_way

    async def token(self) -> str | None:
        """As `Credentials` says. At first there is none: not before the server has refused to do without."""
        grant = self._grant
        if grant is None:
            return None
        usable = grant.usable(time.time())
        if usable is not None:
            return usable
        try:
            return await self._get()
        except ServerUnavailable:
            if grant.expires_at is None or time.time() >= grant.expires_at:
                raise
            return grant.access_token  # it is kept in reserve for this

    async def instead_of(self, refused: str | None) -> str | None:
        """As `Credentials` says."""
        have = None if self._grant is None else self._grant.usable(time.time())
        return have if have is not None and have != refused else await self._get()

    def required(self) -> AuthRequired:
        """As `Credentials` says."""
        what = "refuses the token that mcpool got with its `oauth.client_id`: see at its issuer what that client may do"
        return AuthRequired(self.server, what)

    def lacking(self, scopes: tuple[str, ...]) -> AuthRequired:
        """As `Credentials` says."""
        what = f"does this only for clients that may do more: add {', '.join(scopes)} to its `scopes`"
        return AuthRequired(self.server, what, scopes=scopes)

    async def close(self) -> None:
        """End what is under way: nothing is lost with it."""
        await self._getting.close(0)

    async def _get(self) -> str | None:
        """One request for all who need a token."""
        if not self.busy and asyncio.get_running_loop().time() < self._rest.until:
            raise ServerUnavailable(self.server, self._rest.why)
        return await self._getting.join(self._get_once)

    async def _get_once(self) -> str | None:
        from mcpool.oauth import sdk
        from mcpool.oauth.obtaining import obtained

        try:
            memory, client = sdk.own_provider(self._http)
        except ValueError as error:
            raise ServerUnavailable(self.server, f"its `oauth.private_key` is {error}") from None
        try:
            async with asyncio.timeout(DEADLINE):
                http = replace(self._http, http_headers=self.headers)
                self._grant = await obtained(self.server, http, client, memory, self._way)
        except (ServerUnavailable, TimeoutError) as error:
            why = error.message if isinstance(error, ServerUnavailable) else f"no sign-in within {DEADLINE:g} s"
            self._rest = self._rest.after(asyncio.get_running_loop().time(), why, None)
            raise ServerUnavailable(self.server, f"{why}; nothing was sent") from None
        self._rest = Rest()
        return self._grant.access_token

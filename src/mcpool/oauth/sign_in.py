"""What one server's links are given: its access token on behalf of one principal, renewed once for all who need it."""

from __future__ import annotations

import asyncio
import shlex
import time
from collections import OrderedDict

from mcpool.config.server import Http, Pairs, SignsInBy
from mcpool.errors import AuthRequired, ConfigError, ServerUnavailable
from mcpool.oauth.flight import Flight
from mcpool.oauth.grant import Grant, Place
from mcpool.oauth.held import Held
from mcpool.oauth.own_sign_in import OwnSignIn
from mcpool.oauth.renewal import NotNow, renewed
from mcpool.oauth.rest import Rest
from mcpool.oauth.store import GrantStore
from mcpool.oauth.way import Way, Ways

CLOSE_PATIENCE = 5.0
"""Seconds that a host which is closed waits for an issuer, and then for the place where grants are kept."""


class SignIn:
    """The tokens of one place (`wire.credentials.Credentials`). It never asks a person anything."""

    def __init__(self, server: str, place: Place, store: GrantStore, way: Way, by: SignsInBy = "command") -> None:
        self.server = server
        self.place = place
        self._store = store
        self._way = way
        self._by = by
        self._held = Held(server, place, store)
        self._rest = Rest()
        self._renewal: Flight[str | None] = Flight(f"mcpool-oauth-{server}")

    def __repr__(self) -> str:
        return f"<SignIn {self.server} [{self._held!r}]>"

    @property
    def busy(self) -> bool:
        """Whether it renews something, or has something to keep."""
        return self._renewal.under_way or self._held.unkept

    def look_again(self) -> None:
        """Somebody may have signed in or out since: read what is kept when it is next needed."""
        self._held.look_again()

    async def token(self) -> str | None:
        """As `Credentials` says."""
        grant = await self._held.get()
        if grant is None or grant.access_token is None:
            return None
        usable = grant.usable(time.time())
        if usable is not None:
            return usable
        try:
            return await self._renew(grant.access_token)
        except ServerUnavailable:
            if grant.expires_at is None or time.time() >= grant.expires_at:
                raise
            return grant.access_token  # it is kept in reserve for this

    async def instead_of(self, refused: str | None) -> str | None:
        """As `Credentials` says."""
        grant = self._held.grant
        have = None if grant is None else grant.usable(time.time())
        return have if have is not None and have != refused else await self._renew(refused)

    def required(self) -> AuthRequired:
        """As `Credentials` says."""
        return AuthRequired(self.server, f"needs you to sign in: {self._how}")

    def lacking(self, scopes: tuple[str, ...]) -> AuthRequired:
        """As `Credentials` says."""
        options = "".join(f" --scope {shlex.quote(scope)}" for scope in scopes)
        how = f"run `{self._command}{options}`" if self._by == "command" else f"{self._how} ({', '.join(scopes)})"
        return AuthRequired(self.server, f"does this only if you allow more: {how}", scopes=scopes)

    @property
    def _how(self) -> str:
        if self._by == "command":
            return f"run `{self._command}`"
        return "the program that chose its plugin can have you do that (`Thread.sign_in`)"

    @property
    def _command(self) -> str:
        whom = f" --principal {shlex.quote(self.place.principal)}" if self.place.principal else ""
        return f"mcpool auth {shlex.quote(self.server)}{whom}"

    async def close(self) -> None:
        """Wait for a renewal that is under way: an issuer that rotates its tokens must not be left unheard."""
        await self._renewal.close(CLOSE_PATIENCE)
        await self._held.close(CLOSE_PATIENCE)

    async def _renew(self, refused: str | None) -> str | None:
        """One renewal for all who want one."""
        if not self._renewal.under_way and asyncio.get_running_loop().time() < self._rest.until:
            raise self._not_now(self._rest.why)
        return await self._renewal.join(lambda: self._renew_once(refused))

    async def _renew_once(self, refused: str | None) -> str | None:
        try:
            if await self._held.read() is None:
                return None  # and no lock is made for who never signed in
            async with self._store.locked(self.place):
                grant = await self._held.read()
                if grant is None or grant.access_token is None:
                    return None
                usable = grant.usable(time.time())
                if usable is not None and usable != refused:
                    return usable  # another process was here first
                if grant.refresh_token is None:
                    return None
                await self._held.renewed(await self._ask(grant))
                grant = await self._held.get()  # another one, or none, if somebody has signed in or out meanwhile
                return None if grant is None else grant.access_token
        except TimeoutError:
            raise self._not_now("another mcpool process is at it and does not finish") from None
        except (NotNow, ConfigError, OSError) as error:
            raise self._not_now(str(error)) from None

    async def _ask(self, grant: Grant) -> Grant:
        try:
            grant = await renewed(grant, self.place.resource, self._way)
        except NotNow as error:
            self._rest = self._rest.after(asyncio.get_running_loop().time(), str(error), error.pause)
            raise
        self._rest = Rest()
        return grant

    def _not_now(self, why: str) -> ServerUnavailable:
        what = f"its sign-in could not be renewed: {why}; nothing was sent"
        again = f"`{self._command}`" if self._by == "command" else self._how
        return ServerUnavailable(self.server, f"{what}; if that stays so, sign in again: {again}")


_Key = tuple[str, Place | Http, str]

KNOWN = 1000
"""Sign-ins that one host remembers; of others it reads again what is kept."""


class SignIns:
    """The sign-ins of one host: one object for each place, whoever asks."""

    def __init__(self, store: GrantStore, ways: Ways) -> None:
        self._store = store
        self._ways = ways
        self._known: OrderedDict[_Key, SignIn | OwnSignIn] = OrderedDict()

    def of(self, server: str, place: Place, by: SignsInBy = "command") -> SignIn:
        """The credentials that a person got for a server, for a place; `by` which means one signs in."""
        key = (server, place, by)
        sign_in = self._known.get(key)
        if not isinstance(sign_in, SignIn):
            sign_in = SignIn(server, place, self._store, self._ways(place.environment), by)
        self._keep(key, sign_in)
        return sign_in

    def own(self, server: str, http: Http, environment: str, headers: Pairs) -> OwnSignIn:
        """The credentials that a client gets by itself; `headers` are those of the connection."""
        key = (server, http, environment)
        sign_in = self._known.get(key)
        if not isinstance(sign_in, OwnSignIn):
            sign_in = OwnSignIn(server, http, self._ways(environment))
        sign_in.headers = headers
        self._keep(key, sign_in)
        return sign_in

    def look_again(self, place: Place) -> None:
        """Somebody has signed in there."""
        for sign_in in self._known.values():
            if isinstance(sign_in, SignIn) and sign_in.place == place:
                sign_in.look_again()

    def _keep(self, key: _Key, sign_in: SignIn | OwnSignIn) -> None:
        self._known[key] = sign_in
        self._known.move_to_end(key)
        self._make_room()

    def _make_room(self) -> None:
        """Forget the one that was used the longest ago, unless it has something to do."""
        if len(self._known) > KNOWN:
            idle = next((key for key, sign_in in self._known.items() if not sign_in.busy), None)
            if idle is not None:
                del self._known[idle]

    async def close(self) -> None:
        """Wait until no renewal is under way."""
        await asyncio.gather(*(sign_in.close() for sign_in in self._known.values()))

"""Having a person sign in to a server of a thread, wherever it is reached from (`threads.signing_in.SigningIn`)."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace

from mcpool.backend.lifecycle import State
from mcpool.catalog.identity import HttpIdentity, Identity
from mcpool.config.server import Http, ServerConfig
from mcpool.errors import ConfigError, ServerUnavailable
from mcpool.host.credentials import has_own
from mcpool.launch.headers_helper import helper_headers
from mcpool.oauth.coming_back import PortTaken, coming_back
from mcpool.oauth.grant import Place, grant_place
from mcpool.oauth.interactive import Visit, sign_in
from mcpool.oauth.sign_in import SignIns
from mcpool.oauth.store import GrantStore
from mcpool.oauth.way import Ways
from mcpool.pool.entry import Entry
from mcpool.pool.pool import Pool
from mcpool.runtime.runtime import Binding
from mcpool.threads.signing_in import Show
from mcpool.wire.http import load

_AT_REST = frozenset({State.IDLE, State.STOPPING, State.STOPPED})
"""States of a server that finds what is kept when it is next used."""


class PersonSigningIn:
    """Signs persons in. The browser comes back to this machine; all else goes the way that the server is reached by."""

    def __init__(
        self, pool: Pool, grants: GrantStore, sign_ins: SignIns, ways: Ways, environ: Mapping[str, str]
    ) -> None:
        """`environ` is for commands that print headers."""
        self._pool = pool
        self._grants = grants
        self._sign_ins = sign_ins
        self._ways = ways
        self._environ = environ

    async def __call__(self, binding: Binding, show: Show, scopes: tuple[str, ...]) -> None:
        """As `threads.signing_in.SigningIn` says."""
        server, identity = binding.config, binding.lease.identity
        http = await self._prepared(server, identity)
        assert isinstance(identity, HttpIdentity)
        place = grant_place(http, identity.principal, identity.environment)
        await asyncio.to_thread(load)  # half a second, the first time
        before = await self._grants.registered(place)
        try:
            async with coming_back(server.name, http, before) as callback:

                async def shown(url: str) -> None:
                    callback.expect(url)
                    await show(url)

                visit = Visit(callback.url, shown, callback.answer)
                grant = await sign_in(server.name, http, before, visit, self._ways(place.environment), scopes)
        except PortTaken as error:
            raise ServerUnavailable(server.name, f"you were not signed in: {error}") from None
        await self._grants.write(place, grant, server.name)
        self._sign_ins.look_again(place)

        def concerned(entry: Entry) -> bool:
            if _place(entry) != place or entry.backend.state in _AT_REST:
                return False
            # Who allowed more is still the same person: what runs goes on with the new token.
            return not scopes or entry.backend.current is None

        with suppress(ServerUnavailable):  # what is wrong with it now is for its next caller
            await self._pool.reconnect_those(concerned)

    async def _prepared(self, server: ServerConfig, identity: Identity) -> Http:
        """What to sign in to, with the headers of its connections: what stands before it may want them.

        Raises: ConfigError, ServerUnavailable.
        """
        http = server.transport
        if not isinstance(http, Http) or not isinstance(identity, HttpIdentity):
            raise ConfigError([f"`{server.name}` is a program: there is nothing to sign in to"])
        headers = dict(identity.headers)
        if identity.helper is not None:
            made = await helper_headers(server.name, *identity.helper, self._environ)
            headers |= {name.lower(): value for name, value in made.items()}
        if http.auth != "oauth" or http.oauth_grant_type == "client_credentials" or has_own(identity, headers):
            raise ConfigError([f"`{server.name}` has credentials of its own: there is nothing to sign in to"])
        return replace(http, http_headers=tuple(headers.items()))


def _place(entry: Entry) -> Place | None:
    http, identity = entry.config.transport, entry.key.identity
    if not isinstance(http, Http) or not isinstance(identity, HttpIdentity):
        return None
    return grant_place(http, identity.principal, identity.environment)

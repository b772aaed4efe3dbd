"""Servers of this machine, resolved: environment, command and folder found, nothing started."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache

from mcpool.backend.connection import Opener
from mcpool.backend.holder import Root
from mcpool.catalog.identity import HttpIdentity, Place, StdioIdentity, identify, missing
from mcpool.config.known_servers import uses_roots
from mcpool.config.server import Http, Pairs, ServerConfig, Stdio
from mcpool.errors import ServerUnavailable
from mcpool.host.credentials import credentials_for
from mcpool.launch.command import find_command
from mcpool.launch.environment import inherited
from mcpool.launch.headers_helper import helper_headers
from mcpool.launch.spec import Launcher, LaunchSpec
from mcpool.oauth.sign_in import SignIns
from mcpool.pool.resolver import Circumstances, Resolved
from mcpool.wire.http import HttpSpec, load, open_http, proxy_for
from mcpool.wire.link import Link, Sink
from mcpool.wire.revisions import Era

_KEPT = 4096


class LocalResolver:
    """Resolves servers that run on, or are reached from, this machine. `environ` is the host's own environment."""

    def __init__(self, launcher: Launcher, environ: Mapping[str, str], sign_ins: SignIns) -> None:
        self._launcher = launcher
        self._environ = dict(environ)
        self._sign_ins = sign_ins
        self._base: Pairs = tuple(sorted(inherited(environ).items()))
        self._roots_users: set[str] = set()
        self._resolve = lru_cache(maxsize=_KEPT)(self._resolve_anew)

    def resolve(self, server: ServerConfig, circumstances: Circumstances) -> Resolved:
        """Resolve a server for a thread. Equal input gives the same object.

        Raises:
            ServerUnavailable: a variable that it needs is not set.
        """
        return self._resolve(server, circumstances)

    def learned_roots(self, server: ServerConfig) -> None:
        """From now on the roots of the thread are part of this server's identity."""
        if server.name not in self._roots_users:
            self._roots_users.add(server.name)
            self._resolve.cache_clear()

    def forget(self) -> None:
        """Look everything up anew: programs may have been installed since."""
        self._resolve.cache_clear()

    def _resolve_anew(self, server: ServerConfig, circumstances: Circumstances) -> Resolved:
        transport = server.transport
        offers_roots = self._offers_roots(server, circumstances.roots)
        place = Place(
            cwd=circumstances.cwd,
            base_env=self._base,
            principal=circumstances.principal,
            lookup=looked_up(transport, self._environ),
            capabilities=circumstances.capabilities,
            roots=tuple(root.uri for root in circumstances.roots or ()) if offers_roots else None,
        )
        require_set(server, place)
        identity = identify(server, place)
        era: Era | None = None if server.era == "auto" else server.era
        if isinstance(identity, HttpIdentity):
            return Resolved(identity, self._http_opener(server, identity), offers_roots, era)
        return Resolved(identity, self._stdio_opener(server, identity), offers_roots, era)

    def _offers_roots(self, server: ServerConfig, roots: tuple[Root, ...] | None) -> bool:
        if roots is None:
            return False
        if server.client_capabilities == "mirror" or server.name in self._roots_users:
            return True
        transport = server.transport
        return isinstance(transport, Stdio) and uses_roots((transport.command, *transport.args))

    def _stdio_opener(self, server: ServerConfig, identity: StdioIdentity) -> Opener:
        path = dict(identity.env).get("PATH")

        async def start(sink: Sink) -> Link:
            command = find_command(identity.command, path, identity.cwd) or identity.command
            spec = LaunchSpec(server.name, (command, *identity.args), identity.env, identity.cwd)
            return await self._launcher.start(spec, sink)

        return start

    def _http_opener(self, server: ServerConfig, identity: HttpIdentity) -> Opener:
        spec = replace(endpoint(server, identity), proxy=proxy_for(identity.url, self._environ))

        async def reach(sink: Sink) -> Link:
            await asyncio.to_thread(load)  # half a second, the first time
            headers = dict(spec.headers)
            if identity.helper is not None:
                command, folder = identity.helper
                made = await helper_headers(server.name, command, folder, self._environ)
                headers |= {name.lower(): value for name, value in made.items()}
            pairs = tuple(sorted(headers.items()))
            credentials = credentials_for(server, identity, pairs, self._sign_ins)
            return await open_http(replace(spec, headers=pairs, credentials=credentials), sink)

        return reach


def endpoint(server: ServerConfig, identity: HttpIdentity) -> HttpSpec:
    """Where a server is reached, and with what, from wherever that is done."""
    return HttpSpec(
        server=server.name,
        url=identity.url,
        headers=identity.headers,
        max_message_bytes=server.max_message_bytes,
        startup_timeout=server.startup_timeout,
    )


def looked_up(transport: Stdio | Http, environ: Mapping[str, str]) -> Pairs:
    """The values of this host's variables that a server's configuration names, as far as they are set."""
    if isinstance(transport, Stdio):
        wanted = {variable.name for variable in transport.env_vars if variable.source == "local"}
    else:
        if transport.variables_source == "remote":
            return ()
        wanted = {variable for _, variable in transport.env_http_headers}
        if transport.bearer_token_env_var is not None:
            wanted.add(transport.bearer_token_env_var)
    return tuple(sorted((name, environ[name]) for name in wanted if name in environ))


def require_set(server: ServerConfig, place: Place) -> None:
    """Raises: ServerUnavailable, if a variable that it needs is not set."""
    unset = missing(server, place)
    if unset:
        what = f"it needs a value for {' and '.join(f'the environment variable {name}' for name in unset)}"
        remedy = "set it in `.env` in mcpool's home or in your login shell, then start mcpool anew"
        raise ServerUnavailable(server.name, f"{what}; {remedy}")

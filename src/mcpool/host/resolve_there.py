"""Servers that run in an executor, or are reached through one, resolved: nothing is started."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache

from mcpool.backend.connection import Opener
from mcpool.catalog.identity import HttpIdentity, Place, StdioIdentity, identify
from mcpool.config.server import CLIENT_CWD, LOCAL, ServerConfig, Stdio
from mcpool.environments.executor_launcher import beneath
from mcpool.environments.registry import Environments, ExecutorPlace
from mcpool.errors import EnvironmentUnavailable, ServerUnavailable
from mcpool.host.credentials import credentials_for
from mcpool.host.resolve import LocalResolver, endpoint, looked_up, require_set
from mcpool.launch.spec import LaunchSpec
from mcpool.oauth.sign_in import SignIns
from mcpool.pool.resolver import Circumstances, Resolved
from mcpool.wire.http import load, open_http
from mcpool.wire.link import Link, Sink
from mcpool.wire.revisions import Era

_KEPT = 4096


class PlacedResolver:
    """Resolves each server where its configuration places it."""

    def __init__(
        self, here: LocalResolver, environments: Environments, environ: Mapping[str, str], sign_ins: SignIns
    ) -> None:
        """`environ` are the variables of this host: of them a server gets those that its configuration names."""
        self._here = here
        self._environments = environments
        self._environ = dict(environ)
        self._sign_ins = sign_ins
        self._resolve_there = lru_cache(maxsize=_KEPT)(self._resolve_anew)

    def resolve(self, server: ServerConfig, circumstances: Circumstances) -> Resolved:
        """Resolve a server for a thread. Equal input gives the same object while its environment is not attached anew.

        Raises:
            ServerUnavailable: a variable that it needs is not set, its environment is not available, or its folder
                there can't be meant.
        """
        if server.environment_id == LOCAL:
            return self._here.resolve(server, circumstances)
        try:
            place = self._environments.place(server.environment_id)
        except EnvironmentUnavailable as error:
            raise ServerUnavailable(server.name, f"its {error}") from None
        return self._resolve_there(server, circumstances, place)

    def learned_roots(self, server: ServerConfig) -> None:
        """From now on the roots of the thread are part of this server's identity, if they mean anything where it is."""
        if server.environment_id == LOCAL:
            self._here.learned_roots(server)

    def forget(self) -> None:
        """Look everything up anew: programs may have been installed since."""
        self._here.forget()

    def _resolve_anew(self, server: ServerConfig, circumstances: Circumstances, there: ExecutorPlace) -> Resolved:
        place = Place(
            cwd=there.root or "/",
            principal=circumstances.principal,
            lookup=looked_up(server.transport, self._environ),
            capabilities=circumstances.capabilities,
            handle=there.handle,
        )
        require_set(server, place)
        identity = identify(server, place)
        era: Era | None = None if server.era == "auto" else server.era
        if isinstance(identity, HttpIdentity):
            if identity.completed and not there.completes_headers:
                what = f"the executor of its environment `{there.environment}` is too old to sign in with its variables"
                raise ServerUnavailable(server.name, f"{what}; run a newer one there")
            return Resolved(identity, self._http_opener(server, identity, there), False, era)
        identity = replace(identity, cwd=_folder(server, there))
        return Resolved(identity, self._stdio_opener(server, identity, there), False, era)

    def _stdio_opener(self, server: ServerConfig, identity: StdioIdentity, there: ExecutorPlace) -> Opener:
        spec = LaunchSpec(
            server.name, (identity.command, *identity.args), identity.env, identity.cwd, identity.remote_env
        )

        async def start(sink: Sink) -> Link:
            try:
                launcher = self._environments.launcher(there)
            except EnvironmentUnavailable as error:
                raise ServerUnavailable(server.name, f"its {error}") from None
            return await launcher.start(spec, sink)

        return start

    def _http_opener(self, server: ServerConfig, identity: HttpIdentity, there: ExecutorPlace) -> Opener:
        spec = endpoint(server, identity)

        async def reach(sink: Sink) -> Link:
            await asyncio.to_thread(load)  # half a second, the first time
            from mcpool.environments.executor_http import ExecutorTransport

            try:
                session = self._environments.session_of(there)
            except EnvironmentUnavailable as error:
                raise ServerUnavailable(server.name, f"its {error}") from None
            return await open_http(
                replace(
                    spec,
                    credentials=credentials_for(server, identity, spec.headers, self._sign_ins),
                    transport=lambda: ExecutorTransport(session, identity.completed),
                ),
                sink,
            )

        return reach


def _folder(server: ServerConfig, there: ExecutorPlace) -> str:
    assert isinstance(server.transport, Stdio)
    cwd = "." if server.transport.cwd == CLIENT_CWD else server.transport.cwd
    try:
        return beneath(there.root, cwd)
    except ValueError as error:
        raise ServerUnavailable(server.name, f"its `cwd` {error}") from None

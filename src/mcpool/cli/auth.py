"""`mcpool auth`: signing in to servers on the network, and out again."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from argparse import Namespace
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from mcpool.cli.control import ask_daemon
from mcpool.cli.exit_codes import OK, USAGE
from mcpool.cli.screen import Screen
from mcpool.cli.visit import has_browser, pasted, with_browser
from mcpool.config import Config, load
from mcpool.config.home import ensure_home
from mcpool.config.server import Http, ServerConfig
from mcpool.errors import ConfigError, DaemonError, ServerUnavailable
from mcpool.gateway.record import read_record
from mcpool.gateway.refusal import refusal
from mcpool.gateway.tokens import TokenStore
from mcpool.launch.environment import base_environment
from mcpool.oauth.grant import Grant, Place, grant_place, signed_in_as
from mcpool.oauth.interactive import sign_in
from mcpool.oauth.revocation import NotRevoked, revoke
from mcpool.oauth.store import GrantStore
from mcpool.rendezvous import NoDaemon, home_path
from mcpool.wire.http import Proxy, proxy_for

PATIENCE = 600.0
"""Seconds that a person may take in the browser."""
_AT_REST = frozenset({"idle", "stopped", "disabled"})
"""States of a server that finds what is kept when it is next used."""


@dataclass(frozen=True, slots=True)
class _Desk:
    """What signing in and out needs of this machine."""

    store: GrantStore
    screen: Screen
    proxy: Proxy


def run(arguments: Namespace) -> int:
    """Sign in, or list, or sign out."""
    home = ensure_home(Path(home_path(os.environ)))
    # Also what the daemon goes by, so that both mean the same server and find it in the same way.
    environ = {**os.environ, **asyncio.run(base_environment(os.environ, home)).lookup}
    config = _config(home, arguments.config, environ)
    desk = _Desk(GrantStore(home, config.oauth_store), Screen(), lambda url: proxy_for(url, environ))
    match arguments.words:
        case ["list"]:
            return asyncio.run(_list(config, TokenStore(home), desk))
        case ["logout", name]:
            if asyncio.run(_sign_out(name, _chosen(config, name), arguments.principal, desk)):
                _tell_daemon(name, desk.screen, signed_in=False)
            return OK
        case [name] if name != "logout":
            http = _with_variables(_chosen(config, name), environ)
            browser = not arguments.no_browser and has_browser(os.environ)
            asyncio.run(_sign_in(name, http, arguments.principal, desk, browser, tuple(arguments.scope)))
            _tell_daemon(name, desk.screen, signed_in=True)
            return OK
        case _:
            sys.stderr.write("mcpool auth: it takes SERVER, or `list`, or `logout SERVER`\n")
            return USAGE


def _config(home: Path, given: Path | None, environ: Mapping[str, str]) -> Config:
    """What the daemon runs with."""
    record = read_record(home)
    if given is None and record is not None and record.config is not None and Path(record.config).is_file():
        given = Path(record.config)
    config = load(None if given is None else given.absolute(), home=home, environ=environ)
    config.require()
    return config


def _signs_in(server: ServerConfig) -> Http | None:
    """The transport of a server that one can sign in to: one on the network, without a header that does it."""
    http = server.transport
    if not isinstance(http, Http) or http.auth != "oauth" or http.bearer_token_env_var is not None:
        return None
    named = (name.lower() for name, _ in (*http.http_headers, *http.env_http_headers))
    return None if "authorization" in named else http


def _chosen(config: Config, name: str) -> Http:
    refused = refusal(name, config.servers, config.problems)
    if refused is not None:
        raise ConfigError([refused])
    server = next(server for server in config.servers if server.name == name)
    http = _signs_in(server)
    if http is None:
        why = "has its credentials in the configuration" if isinstance(server.transport, Http) else "is a program"
        raise ConfigError([f"`{name}` {why}: there is nothing to sign in to"])
    return http


def _with_variables(http: Http, environ: Mapping[str, str]) -> Http:
    """The same with the headers whose values are in variables: what stands before a server may want them."""
    found = tuple((header, environ[name]) for header, name in http.env_http_headers if name in environ)
    return replace(http, http_headers=(*http.http_headers, *found))


# Signing in


async def _sign_in(server: str, http: Http, principal: str, desk: _Desk, browser: bool, more: tuple[str, ...]) -> None:
    place = grant_place(http, principal)
    before = await _registered(desk.store, place)
    try:
        async with asyncio.timeout(PATIENCE), AsyncExitStack() as stack:
            if browser:
                visit = await stack.enter_async_context(with_browser(server, http, before, desk.screen))
            else:
                visit = pasted(server, http, before, desk.screen, PATIENCE)
            grant = await sign_in(server, http, before, visit, desk.proxy, more)
    except TimeoutError:
        what = f"you were not signed in within {PATIENCE / 60:g} minutes; run `mcpool auth {server}` again"
        if before is not None:
            what += f", after `mcpool auth logout {server}` if the page did not know this client"
        raise ServerUnavailable(server, what) from None
    await desk.store.write(place, grant)
    desk.screen.line(f"signed in to `{server}`", "green")


async def _registered(store: GrantStore, place: Place) -> Grant | None:
    """What is left of the last time, for its registration. Where that cannot be read it is made anew."""
    try:
        kept = await store.read(place)
    except ConfigError:
        return None
    return None if kept is None else kept.grant


# Seeing and signing out


async def _list(config: Config, tokens: TokenStore, desk: _Desk) -> int:
    rows: list[tuple[str, ...]] = []
    unread = ""
    for server in config.servers:
        http = _signs_in(server)
        if http is None:
            continue
        for principal in ("", *(name for name in tokens.names() if signed_in_as(name))):
            try:
                kept = await desk.store.read(grant_place(http, principal))
            except ConfigError as error:
                unread = str(error)
                rows.append((server.name, principal or "-", "cannot be read", "-", "-"))
                continue
            grant = None if kept is None else kept.grant
            if grant is not None:
                rows.append((server.name, principal or "-", grant.state, _until(grant), grant.host))
            elif not principal:
                rows.append((server.name, "-", "not signed in", "-", "-"))
    if rows:
        desk.screen.table(("server", "principal", "state", "token until", "issuer"), rows)
    else:
        desk.screen.line("there is no server that one can sign in to")
    if unread:
        desk.screen.line(unread, "yellow")
    return OK


def _until(grant: Grant) -> str:
    if grant.access_token is None or grant.expires_at is None:
        return "-"
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(grant.expires_at))


async def _sign_out(server: str, http: Http, principal: str, desk: _Desk) -> bool:
    """Whether there was something to sign out of."""
    forgotten = await desk.store.forget(grant_place(http, principal))
    grant = forgotten.grant
    if forgotten.unread is not None:
        desk.screen.line(f"what could not be read no longer counts, but is not revoked: {forgotten.unread}", "yellow")
    if grant is None:
        if forgotten.unread is None:
            desk.screen.line(f"you were not signed in to `{server}`")
        return forgotten.unread is not None
    if grant.access_token is None:
        desk.screen.line(f"signed out of `{server}`: its issuer had taken back the tokens before")
        return True
    try:
        await revoke(grant, desk.proxy)
    except NotRevoked as error:
        desk.screen.line(f"signed out of `{server}`: its tokens are forgotten here")
        desk.screen.line(f"They were not revoked, and may be good until they expire: {error}", "yellow")
    else:
        desk.screen.line(f"signed out of `{server}`: its tokens are forgotten here, and revoked at {grant.host}")
    return True


def _tell_daemon(server: str, screen: Screen, *, signed_in: bool) -> None:
    """Have it use what is kept now. What it cannot do is no failure of ours."""
    try:
        rows = [row for row in ask_daemon("status")["servers"] if row["name"] == server]
        if any(row["state"] not in _AT_REST for row in rows):
            ask_daemon("reconnect", server=server)
    except NoDaemon:
        return
    except DaemonError as error:
        if signed_in:
            screen.line(f"the daemon could not use that yet: {error}", "yellow")
            return
    screen.line("the daemon goes by that from now on", "dim")

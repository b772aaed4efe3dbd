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
from mcpool.cli.way_there import way_from
from mcpool.config import Config, load
from mcpool.config.expand import Secret
from mcpool.config.home import ensure_home
from mcpool.config.loading import keyring
from mcpool.config.server import LOCAL, Http, ServerConfig
from mcpool.errors import ConfigError, DaemonError, EnvironmentUnavailable, ServerUnavailable
from mcpool.gateway.record import read_record
from mcpool.gateway.refusal import refusal
from mcpool.gateway.tokens import TokenStore
from mcpool.host.contributors import Contributors
from mcpool.host.extensions import Extensions, sections_alone
from mcpool.launch.environment import base_environment
from mcpool.launch.headers_helper import helper_headers
from mcpool.oauth.grant import Grant, Place, grant_place, signed_in_as
from mcpool.oauth.interactive import sign_in
from mcpool.oauth.revocation import NotRevoked, revoke
from mcpool.oauth.store import Forgotten, GrantStore
from mcpool.rendezvous import NoDaemon, home_path

PATIENCE = 600.0
"""Seconds that a person may take in the browser."""
_AT_REST = frozenset({"idle", "stopped", "disabled"})
"""States of a server that finds what is kept when it is next used."""


@dataclass(frozen=True, slots=True)
class _Desk:
    """What signing in and out needs of this machine."""

    store: GrantStore
    screen: Screen
    home: Path
    environ: Mapping[str, str]
    secret: Secret


def run(arguments: Namespace) -> int:
    """Sign in, or list, or sign out."""
    home = ensure_home(Path(home_path(os.environ)))
    # Also what the daemon goes by, so that both mean the same server and find it in the same way.
    environ = {**os.environ, **asyncio.run(base_environment(os.environ, home)).lookup}
    secret = keyring()  # one for all that is read: so a keyring that is locked is waited for once
    config = asyncio.run(_with_others(_config(home, arguments.config, environ, secret), home, environ, secret))
    desk = _Desk(GrantStore(home, config.oauth_store), Screen(), home, environ, secret)
    match arguments.words:
        case ["list"]:
            return asyncio.run(_list(config, TokenStore(home), desk))
        case ["logout", name]:
            if asyncio.run(_sign_out(name, config, TokenStore(home), arguments.principal, desk)):
                _tell_daemon(name, desk.screen, signed_in=False)
            return OK
        case [name] if name != "logout":
            server, http = _chosen(config, name)
            http = asyncio.run(_with_headers(name, http, environ))
            place = grant_place(http, arguments.principal, server.environment_id)
            browser = not arguments.no_browser and has_browser(os.environ)
            asyncio.run(_sign_in(name, http, place, desk, browser, tuple(arguments.scope)))
            _tell_daemon(name, desk.screen, signed_in=True)
            return OK
        case _:
            sys.stderr.write("mcpool auth: it takes SERVER, or `list`, or `logout SERVER`\n")
            return USAGE


def _config(home: Path, given: Path | None, environ: Mapping[str, str], secret: Secret) -> Config:
    """What the daemon runs with."""
    record = read_record(home)
    if given is None and record is not None and record.config is not None and Path(record.config).is_file():
        given = Path(record.config)
    config = load(None if given is None else given.absolute(), home=home, environ=environ, secret=secret)
    config.require()
    return config


async def _with_others(config: Config, home: Path, environ: Mapping[str, str], secret: Secret) -> Config:
    """The same with what else may want a sign-in: the server for connectors, and those of installed plugins."""
    contributors = Contributors(home, environ, Extensions((), sections_alone), with_projects=True, secret=secret)
    await contributors.read_plugins()
    connectors = () if config.connectors is None else (config.connectors,)
    servers: dict[str, ServerConfig] = {}
    for server in (*connectors, *config.servers, *contributors.more_servers):
        servers.setdefault(server.name, server)
    return replace(config, servers=tuple(servers.values()))


def _signs_in(server: ServerConfig) -> Http | None:
    """The transport of a server that one can sign in to: one on the network, without a header that does it."""
    http = server.transport
    if not isinstance(http, Http) or http.auth != "oauth" or http.bearer_token_env_var is not None:
        return None
    if http.oauth_grant_type == "client_credentials":
        return None
    named = (name.lower() for name, _ in (*http.http_headers, *http.env_http_headers))
    return None if "authorization" in named else http


def _chosen(config: Config, name: str) -> tuple[ServerConfig, Http]:
    refused = refusal(name, config.servers, config.problems)
    if refused is not None:
        raise ConfigError([refused])
    server = next(server for server in config.servers if server.name == name)
    http = _signs_in(server)
    if http is None:
        why = "has its credentials in the configuration" if isinstance(server.transport, Http) else "is a program"
        raise ConfigError([f"`{name}` {why}: there is nothing to sign in to"])
    return server, http


async def _with_headers(server: str, http: Http, environ: Mapping[str, str]) -> Http:
    """The same with the headers whose values are in variables, or made by a command: what stands before a server may
    want them.

    Raises:
        ServerUnavailable: the command failed.
        ConfigError: it makes the credentials.
    """
    ours = http.env_http_headers if http.variables_source == "local" else ()
    found = {header: environ[name] for header, name in ours if name in environ}
    headers = {name.lower(): value for name, value in (dict(http.http_headers) | found).items()}
    if http.http_headers_helper is not None:
        made = await helper_headers(server, http.http_headers_helper, str(Path.cwd()), environ)
        headers |= {name.lower(): value for name, value in made.items()}
    if "authorization" in headers:
        raise ConfigError(
            [f"`{server}` has its credentials from its `http_headers_helper`: there is nothing to sign in to"]
        )
    return replace(http, http_headers=tuple(headers.items()))


def _places(config: Config, tokens: TokenStore) -> list[tuple[ServerConfig, str, Place]]:
    """What one can be signed in to, and on whose behalf."""
    principals = ("", *(name for name in tokens.names() if signed_in_as(name)))
    return [
        (server, principal, grant_place(http, principal, server.environment_id))
        for server in config.servers
        if (http := _signs_in(server)) is not None
        for principal in principals
    ]


# Signing in


async def _sign_in(server: str, http: Http, place: Place, desk: _Desk, browser: bool, more: tuple[str, ...]) -> None:
    before = await desk.store.registered(place)
    try:
        async with asyncio.timeout(PATIENCE), AsyncExitStack() as stack:
            way = await stack.enter_async_context(way_from(place.environment, desk.home, desk.environ, desk.secret))
            if browser:
                visit = await stack.enter_async_context(with_browser(server, http, before, desk.screen))
            else:
                visit = pasted(server, http, before, desk.screen)
            grant = await sign_in(server, http, before, visit, way, more)
    except EnvironmentUnavailable as error:
        raise ServerUnavailable(server, f"you were not signed in: {error}") from None
    except TimeoutError:
        what = f"you were not signed in within {PATIENCE / 60:g} minutes; run `mcpool auth {server}` again"
        if before is not None:
            what += f", after `mcpool auth logout {server}` if the page did not know this client"
        raise ServerUnavailable(server, what) from None
    await desk.store.write(place, grant, server)
    desk.screen.line(f"signed in to `{server}`", "green")


# Seeing and signing out


async def _list(config: Config, tokens: TokenStore, desk: _Desk) -> int:
    rows: list[tuple[str, ...]] = []
    unread = ""
    places = _places(config, tokens)
    left_over = await desk.store.left_over(place for _, _, place in places)
    for server, principal, place in places:
        try:
            kept = await desk.store.read(place)
        except ConfigError as error:
            unread = str(error)
            rows.append((server.name, place.environment, principal or "-", "cannot be read", "-", "-"))
            continue
        grant = None if kept is None else kept.grant
        if grant is not None:
            rows.append((server.name, place.environment, principal or "-", grant.state, _until(grant), grant.host))
        elif not principal:
            rows.append((server.name, place.environment, "-", "not signed in", "-", "-"))
    for one in left_over:
        state = f"{one.grant.state}, left over"
        rows.append((one.server, one.environment, one.principal or "-", state, _until(one.grant), one.grant.host))
    columns = ("server", "environment", "principal", "state", "token until", "issuer")
    if all(environment == LOCAL for _, environment, *_ in rows):
        columns, rows = (columns[0], *columns[2:]), [(row[0], *row[2:]) for row in rows]
    if rows:
        desk.screen.table(columns, rows)
    else:
        desk.screen.line("there is no server that one can sign in to")
    if left_over:
        what = (
            "left over: of a server that is not configured so any more, or that a program had in a plugin of its own, "
            "or of a client whose token is gone"
        )
        desk.screen.line(f"{what}; `mcpool auth logout SERVER` forgets it", "yellow")
    if unread:
        desk.screen.line(unread, "yellow")
    return OK


def _until(grant: Grant) -> str:
    if grant.access_token is None or grant.expires_at is None:
        return "-"
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(grant.expires_at))


async def _sign_out(server: str, config: Config, tokens: TokenStore, principal: str, desk: _Desk) -> bool:
    """Whether the daemon may have used what is forgotten.

    Raises:
        ConfigError: there is no such server, and nothing is left of one; or one that nobody can sign in to.
    """
    configured = next((one for one in config.servers if one.name == server), None)
    http = None if configured is None else _signs_in(configured)
    places = [place for _, _, place in _places(config, tokens)]
    if configured is not None and http is not None:
        places.append(grant_place(http, principal, configured.environment_id))
    who = signed_in_as(principal)
    left_over = [one for one in await desk.store.left_over(places) if (one.server, one.principal) == (server, who)]
    if http is None and not left_over:
        _chosen(config, server)  # says why
    for one in left_over:
        await _signed_out(server, await desk.store.forget_left_over(one), one.environment, desk)
    if configured is None or http is None:
        return False
    forgotten = await desk.store.forget(grant_place(http, principal, configured.environment_id))
    if forgotten.grant is None and forgotten.unread is None:
        if not left_over:
            desk.screen.line(f"you were not signed in to `{server}`")
        return False
    await _signed_out(server, forgotten, configured.environment_id, desk)
    return True


async def _signed_out(server: str, forgotten: Forgotten, environment: str, desk: _Desk) -> None:
    """Revoke what is forgotten, as far as that can be seen, and say so."""
    grant = forgotten.grant
    if forgotten.unread is not None:
        desk.screen.line(f"what could not be read no longer counts, but is not revoked: {forgotten.unread}", "yellow")
    if grant is None:
        return
    if grant.access_token is None:
        desk.screen.line(f"signed out of `{server}`: its issuer had taken back the tokens before")
        return
    try:
        async with way_from(environment, desk.home, desk.environ, desk.secret) as way:
            await revoke(grant, way)
    except (NotRevoked, EnvironmentUnavailable) as error:
        desk.screen.line(f"signed out of `{server}`: its tokens are forgotten here")
        desk.screen.line(f"They were not revoked, and may be good until they expire: {error}", "yellow")
    else:
        desk.screen.line(f"signed out of `{server}`: its tokens are forgotten here, and revoked at {grant.host}")


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

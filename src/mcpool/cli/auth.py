"""`mcpool auth`: signing in to servers on the network, and out again."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
import webbrowser
from argparse import Namespace
from collections.abc import Mapping
from contextlib import AsyncExitStack
from getpass import getpass
from pathlib import Path
from urllib.parse import urlsplit

from mcpool.cli.control import ask_daemon
from mcpool.cli.exit_codes import OK, USAGE
from mcpool.cli.screen import Screen
from mcpool.config import Config, load
from mcpool.config.home import ensure_home
from mcpool.config.server import Http, ServerConfig
from mcpool.errors import ConfigError, DaemonError, ServerUnavailable
from mcpool.gateway.record import read_record
from mcpool.gateway.refusal import refusal
from mcpool.gateway.tokens import TokenStore
from mcpool.oauth.callback import HOST, Answer, Callback, NoAnswer, listening, read_answer, redirect_url, state_of
from mcpool.oauth.grant import Grant, Place, grant_place, signed_in_as
from mcpool.oauth.interactive import Visit, sign_in
from mcpool.oauth.revocation import NotRevoked, revoke
from mcpool.oauth.store import GrantStore
from mcpool.rendezvous import NoDaemon, home_path
from mcpool.wire.http import proxy_for

_PATIENCE = 600.0
"""Seconds that a person may take in the browser."""
_TRIES = 3
_ANY_PORT = 8378


def run(arguments: Namespace) -> int:
    """Sign in, or list, or sign out."""
    home = ensure_home(Path(home_path(os.environ)))
    config = _config(home, arguments.config)
    store = GrantStore(home, config.oauth_store)
    screen = Screen()
    match arguments.words:
        case ["list"]:
            return asyncio.run(_list(config, store, TokenStore(home), screen))
        case ["logout", name]:
            if asyncio.run(_sign_out(*_chosen(config, name), arguments.principal, store, screen)):
                _tell_daemon(name, screen)
            return OK
        case [name] if name != "logout":
            server, http = _chosen(config, name)
            browser = not arguments.no_browser and _has_browser(os.environ)
            asyncio.run(_sign_in(server, http, arguments.principal, store, screen, browser))
            _tell_daemon(name, screen)
            return OK
        case _:
            sys.stderr.write("mcpool auth: it takes SERVER, or `list`, or `logout SERVER`\n")
            return USAGE


def _config(home: Path, given: Path | None) -> Config:
    """What the daemon runs with, so that both mean the same server."""
    record = read_record(home)
    if given is None and record is not None and record.config is not None:
        given = Path(record.config)
    config = load(None if given is None else given.absolute(), home=home, environ=os.environ)
    config.require()
    return config


def _signs_in(server: ServerConfig) -> Http | None:
    """The transport of a server that one can sign in to: one on the network, without a header that does it."""
    http = server.transport
    if not isinstance(http, Http) or http.auth != "oauth" or http.bearer_token_env_var is not None:
        return None
    named = (name.lower() for name, _ in (*http.http_headers, *http.env_http_headers))
    return None if "authorization" in named else http


def _chosen(config: Config, name: str) -> tuple[str, Http]:
    refused = refusal(name, config.servers, config.problems)
    if refused is not None:
        raise ConfigError([refused])
    server = next(server for server in config.servers if server.name == name)
    http = _signs_in(server)
    if http is None:
        why = "has its credentials in the configuration" if isinstance(server.transport, Http) else "is a program"
        raise ConfigError([f"`{name}` {why}: there is nothing to sign in to"])
    return name, http


# Signing in


async def _sign_in(server: str, http: Http, principal: str, store: GrantStore, screen: Screen, browser: bool) -> None:
    place = grant_place(http, principal)
    before = await _registered(store, place)
    try:
        async with asyncio.timeout(_PATIENCE):
            if browser:
                grant = await _with_browser(server, http, before, screen)
            else:
                grant = await sign_in(server, http, before, _pasted(server, _redirect(http, before), screen), _proxy)
    except TimeoutError:
        what = f"you were not signed in within {_PATIENCE / 60:g} minutes; run `mcpool auth {server}` again"
        if before is not None:
            what += f", after `mcpool auth logout {server}` if the page did not know this client"
        raise ServerUnavailable(server, what) from None
    await store.write(place, grant)
    screen.line(f"signed in to `{server}`", "green")


async def _registered(store: GrantStore, place: Place) -> Grant | None:
    """What is left of the last time, for its registration. Where that cannot be read it is made anew."""
    try:
        kept = await store.read(place)
    except ConfigError:
        return None
    return None if kept is None else kept.grant


def _proxy(url: str) -> str | None:
    return proxy_for(url, os.environ)


async def _with_browser(server: str, http: Http, before: Grant | None, screen: Screen) -> Grant:
    async with AsyncExitStack() as stack:
        try:
            callback = await stack.enter_async_context(listening(_port(http, before)))
        except OSError:
            if http.oauth_callback_port is not None:
                msg = f"`oauth.callback_port` of `{server}`: port {http.oauth_callback_port} is taken"
                raise DaemonError(msg) from None
            callback = await stack.enter_async_context(listening())  # that of the last time is taken
        return await sign_in(server, http, before, _browsed(server, callback, screen), _proxy)


def _browsed(server: str, callback: Callback, screen: Screen) -> Visit:
    async def show(url: str) -> None:
        callback.expect(url)
        screen.line(f"Sign in to `{server}` in your browser. If it does not open by itself, visit:")
        screen.line(f"  {url}")
        screen.line(f"Is the browser on another machine? `mcpool auth {server} --no-browser`", "dim")
        await asyncio.to_thread(webbrowser.open, url)

    return Visit(callback.url, show, callback.answer)


def _pasted(server: str, redirect: str, screen: Screen) -> Visit:
    expected = ""

    async def show(url: str) -> None:
        nonlocal expected
        expected = state_of(url)
        screen.line(f"Sign in to `{server}` in a browser, on whichever machine:")
        screen.line(f"  {url}")
        screen.line(f"In the end it is sent to an address that begins with {redirect}, which it may fail to show.")

    async def answer() -> Answer:
        for _ in range(_TRIES):
            try:
                found = read_answer(_read_line(server, "Paste that address here (it is not shown): "))
            except NoAnswer as error:
                screen.line(f"{error}; try again", "yellow")
                continue
            if found.state == expected:
                return found
            screen.line("that address belongs to another sign-in; try again", "yellow")
        raise ServerUnavailable(server, f"you were not signed in; run `mcpool auth {server}` again")

    return Visit(redirect, show, answer)


def _read_line(server: str, prompt: str) -> str:
    """A line that is not echoed, since it holds a secret. Nothing else runs in this process meanwhile."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # the event loop's own would wait for the line
    try:
        if sys.stdin.isatty():
            return getpass(prompt)
        line = sys.stdin.readline()
    except EOFError:
        line = ""
    finally:
        signal.signal(signal.SIGINT, before)
    if not line:
        raise ServerUnavailable(server, "you were not signed in: nothing was pasted before standard input ended")
    return line


def _port(http: Http, before: Grant | None) -> int:
    """The port that the browser comes back to: a registration is good for one address only. 0 if any will do."""
    if http.oauth_callback_port is not None:
        return http.oauth_callback_port
    known = urlsplit((before.client.get("redirect_uris") or [""])[0]) if before is not None else None
    return known.port or 0 if known is not None and known.hostname == HOST else 0


def _redirect(http: Http, before: Grant | None) -> str:
    """Nobody listens there: the person brings what comes."""
    return redirect_url(_port(http, before) or _ANY_PORT)


def _has_browser(environ: Mapping[str, str]) -> bool:
    if sys.platform == "darwin":
        return "SSH_CONNECTION" not in environ
    return bool(environ.get("DISPLAY") or environ.get("WAYLAND_DISPLAY"))


# Seeing and signing out


async def _list(config: Config, store: GrantStore, tokens: TokenStore, screen: Screen) -> int:
    rows: list[tuple[str, ...]] = []
    unread = ""
    for server in config.servers:
        http = _signs_in(server)
        if http is None:
            continue
        for principal in ("", *(name for name in tokens.names() if signed_in_as(name))):
            try:
                kept = await store.read(grant_place(http, principal))
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
        screen.table(("server", "principal", "state", "token until", "issuer"), rows)
    else:
        screen.line("there is no server that one can sign in to")
    if unread:
        screen.line(unread, "yellow")
    return OK


def _until(grant: Grant) -> str:
    if grant.access_token is None or grant.expires_at is None:
        return "-"
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(grant.expires_at))


async def _sign_out(server: str, http: Http, principal: str, store: GrantStore, screen: Screen) -> bool:
    """Whether there was something to sign out of."""
    forgotten = await store.forget(grant_place(http, principal))
    grant = forgotten.grant
    if forgotten.unread is not None:
        screen.line(f"what could not be read no longer counts, but is not revoked: {forgotten.unread}", "yellow")
    if grant is None:
        if forgotten.unread is None:
            screen.line(f"you were not signed in to `{server}`")
        return forgotten.unread is not None
    try:
        if grant.access_token is not None:
            await revoke(grant, _proxy)
    except NotRevoked as error:
        screen.line(f"signed out of `{server}`: its tokens are forgotten here")
        screen.line(f"They were not revoked, and may be good until they expire: {error}", "yellow")
    else:
        screen.line(f"signed out of `{server}`: its tokens are forgotten here, and revoked at {grant.host}")
    return True


def _tell_daemon(server: str, screen: Screen) -> None:
    """Have it use what is kept now. What it cannot do is no failure of ours."""
    try:
        ask_daemon("reconnect", server=server)
    except NoDaemon:
        return
    except DaemonError as error:
        screen.line(f"the daemon will use that with the next call; it says: {error}", "dim")
    else:
        screen.line("the daemon uses that from now on", "dim")

"""How a person at this terminal gets to the issuer's page, and how what comes of it gets back."""

from __future__ import annotations

import signal
import sys
import threading
import webbrowser
from collections.abc import AsyncGenerator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from getpass import getpass
from types import FrameType
from typing import NoReturn
from urllib.parse import urlsplit

from mcpool.cli.screen import Screen
from mcpool.config.server import Http
from mcpool.errors import DaemonError, ServerUnavailable
from mcpool.oauth.callback import HOST, Answer, Callback, NoAnswer, listening, read_answer, redirect_url, state_of
from mcpool.oauth.grant import Grant
from mcpool.oauth.interactive import Visit

_TRIES = 3
_ANY_PORT = 8378


def has_browser(environ: Mapping[str, str]) -> bool:
    """Whether a browser that is opened here is where the person is."""
    if sys.platform == "darwin":
        return "SSH_CONNECTION" not in environ
    return bool(environ.get("DISPLAY") or environ.get("WAYLAND_DISPLAY"))


@asynccontextmanager
async def with_browser(server: str, http: Http, before: Grant | None, screen: Screen) -> AsyncGenerator[Visit]:
    """The browser of this machine comes back by itself.

    Raises:
        DaemonError: the configured port is taken.
    """
    async with AsyncExitStack() as stack:
        try:
            callback = await stack.enter_async_context(listening(_port(http, before)))
        except OSError:
            if http.oauth_callback_port is not None:
                msg = f"`oauth.callback_port` of `{server}`: port {http.oauth_callback_port} is taken"
                raise DaemonError(msg) from None
            callback = await stack.enter_async_context(listening())  # that of the last time is taken
        yield _browsed(server, callback, screen)


def _browsed(server: str, callback: Callback, screen: Screen) -> Visit:
    async def show(url: str) -> None:
        callback.expect(url)
        screen.line(f"Sign in to `{server}` in your browser. If it does not open by itself, visit:")
        screen.line(f"  {url}")
        screen.line(f"Is the browser on another machine? `mcpool auth {server} --no-browser`", "dim")
        # Some are waited for until the person closes them.
        threading.Thread(target=_open, args=(url,), name="mcpool-browser", daemon=True).start()

    return Visit(callback.url, show, callback.answer)


def _open(url: str) -> None:
    with suppress(webbrowser.Error, OSError):  # the person has the address
        webbrowser.open(url)


def pasted(server: str, http: Http, before: Grant | None, screen: Screen, patience: float) -> Visit:
    """The person has the browser elsewhere, and pastes the address that it ends at, each within `patience` seconds."""
    expected = ""
    redirect = redirect_url(_port(http, before) or _ANY_PORT)  # nobody listens there

    async def show(url: str) -> None:
        nonlocal expected
        expected = state_of(url)
        screen.line(f"Sign in to `{server}` in a browser, on whichever machine:")
        screen.line(f"  {url}")
        screen.line(f"In the end it is sent to an address that begins with {redirect}, which it may fail to show.")

    async def answer() -> Answer:
        for _ in range(_TRIES):
            try:
                found = read_answer(_read_line(server, "Paste that address here (it is not shown): ", patience))
            except NoAnswer as error:
                screen.line(f"{error}; try again", "yellow")
                continue
            if found.state == expected:
                return found
            screen.line("that address belongs to another sign-in; try again", "yellow")
        raise ServerUnavailable(server, f"you were not signed in; run `mcpool auth {server}` again")

    return Visit(redirect, show, answer)


def _read_line(server: str, prompt: str, patience: float) -> str:
    """A line that is not echoed, since it holds a secret. Nothing else runs in this process meanwhile."""
    interrupt = signal.signal(signal.SIGINT, signal.default_int_handler)  # the loop's own would wait for the line
    alarm = signal.signal(signal.SIGALRM, _too_late)
    signal.setitimer(signal.ITIMER_REAL, patience)
    try:
        line = f"{getpass(prompt)}\n" if sys.stdin.isatty() else sys.stdin.readline()
    except EOFError:
        line = ""
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, alarm)
        signal.signal(signal.SIGINT, interrupt)
    if not line:
        raise ServerUnavailable(server, "you were not signed in: nothing was pasted before standard input ended")
    return line


def _too_late(number: int, frame: FrameType | None) -> NoReturn:
    raise TimeoutError


def _port(http: Http, before: Grant | None) -> int:
    """The port that the browser comes back to: a registration is good for one address only. 0 if any will do."""
    if http.oauth_callback_port is not None:
        return http.oauth_callback_port
    known = urlsplit((before.client.get("redirect_uris") or [""])[0]) if before is not None else None
    return known.port or 0 if known is not None and known.hostname == HOST else 0

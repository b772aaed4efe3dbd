"""How a person at this terminal gets to the issuer's page, and how what comes of it gets back."""

from __future__ import annotations

import sys
import threading
import webbrowser
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager, suppress

from mcpool.cli.hidden_line import hidden_line
from mcpool.cli.screen import Screen
from mcpool.config.server import Http
from mcpool.errors import DaemonError, ServerUnavailable
from mcpool.oauth.callback import Answer, Callback, NoAnswer, read_answer, redirect_url, state_of
from mcpool.oauth.coming_back import PortTaken, coming_back, port_for
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
    try:
        async with coming_back(server, http, before) as callback:
            yield _browsed(server, callback, screen)
    except PortTaken as error:
        raise DaemonError(str(error)) from None


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


def pasted(server: str, http: Http, before: Grant | None, screen: Screen) -> Visit:
    """The person has the browser elsewhere, and pastes the address that it ends at."""
    expected = ""
    redirect = redirect_url(port_for(http, before) or _ANY_PORT)  # nobody listens there

    async def show(url: str) -> None:
        nonlocal expected
        expected = state_of(url)
        screen.line(f"Sign in to `{server}` in a browser, on whichever machine:")
        screen.line(f"  {url}")
        screen.line(f"In the end it is sent to an address that begins with {redirect}, which it may fail to show.")

    async def answer() -> Answer:
        for _ in range(_TRIES):
            try:
                found = read_answer(await hidden_line("Paste that address here (it is not shown): "))
            except EOFError:
                what = "you were not signed in: nothing was pasted before standard input ended"
                raise ServerUnavailable(server, what) from None
            except NoAnswer as error:
                screen.line(f"{error}; try again", "yellow")
                continue
            if found.state == expected:
                return found
            screen.line("that address belongs to another sign-in; try again", "yellow")
        raise ServerUnavailable(server, f"you were not signed in; run `mcpool auth {server}` again")

    return Visit(redirect, show, answer)

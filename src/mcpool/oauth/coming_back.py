"""The port of this machine that the browser comes back to when a person has signed in."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from urllib.parse import urlsplit

from mcpool.config.server import Http
from mcpool.oauth.callback import HOST, Callback, listening
from mcpool.oauth.grant import Grant


class PortTaken(Exception):
    """Another program has the configured port. The message is one for a person."""


def port_for(http: Http, before: Grant | None) -> int:
    """The port that the browser comes back to: a registration is good for one address only. 0 if any will do."""
    if http.oauth_callback_port is not None:
        return http.oauth_callback_port
    known = urlsplit((before.client.get("redirect_uris") or [""])[0]) if before is not None else None
    return known.port or 0 if known is not None and known.hostname == HOST else 0


@asynccontextmanager
async def coming_back(server: str, http: Http, before: Grant | None) -> AsyncGenerator[Callback]:
    """Listen there; `before` is what is left of the last sign-in.

    Raises:
        PortTaken: it is configured.
    """
    async with AsyncExitStack() as stack:
        try:
            callback = await stack.enter_async_context(listening(port_for(http, before)))
        except OSError:
            if http.oauth_callback_port is not None:
                raise PortTaken(
                    f"`oauth.callback_port` of `{server}`: port {http.oauth_callback_port} is taken"
                ) from None
            callback = await stack.enter_async_context(listening())  # that of the last time is taken
        yield callback

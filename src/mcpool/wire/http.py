"""Opening a link to a server that speaks streamable HTTP.

The transport is the official SDK's; it is imported when the first such server is opened, never before.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, runtime_checkable
from urllib.parse import urlsplit

from mcpool.config.server import Pairs
from mcpool.errors import ServerError
from mcpool.wire.credentials import Credentials
from mcpool.wire.link import Sink

if TYPE_CHECKING:
    from httpx2 import AsyncBaseTransport

    from mcpool.wire.http_link import HttpLink

Proxy = Callable[[str], str | None]
"""The proxy through which a URL is reached, if any; see `proxy_for`."""

_LOOPBACK = frozenset({"localhost", "::1"})


@dataclass(frozen=True, slots=True)
class HttpSpec:
    """One endpoint to reach, fully resolved: no variables, no defaults, no searching left."""

    server: str
    """The configured name, for messages and logs."""
    url: str = field(repr=False)
    """Secrets may live in its path and query as well."""
    headers: Pairs = field(default=(), repr=False)
    """Sent with every request; secrets live here."""
    max_message_bytes: int = 64 * 1024 * 1024
    """Largest answer, or event of a stream, that is read."""
    startup_timeout: float = 30.0
    """Seconds that establishing one TCP (and TLS) connection may take."""
    proxy: str | None = field(default=None, repr=False)
    """Proxy to go through; see `proxy_for`."""
    credentials: Credentials | None = field(default=None, repr=False, compare=False)
    """Who has the access token; None if what `headers` hold is all there is."""
    transport: Callable[[], AsyncBaseTransport] | None = field(default=None, repr=False, compare=False)
    """Makes another way to the network than this machine's own, where the endpoint is reached from elsewhere."""


@runtime_checkable
class HttpSink(Protocol):
    """What a sink may offer besides `Sink`'s methods, because HTTP knows more than a pipe does.

    A sink that has both is given server messages by `on_message` instead of `on_bytes`. One that has neither loses
    only the knowledge: its messages come as lines, and a lost call is answered with a JSON-RPC error.
    """

    def on_message(self, data: bytes, related: int | str | None) -> None:
        """One whole JSON line. `related` is the id of our request on whose stream it came, None on the general one."""
        ...

    def on_call_lost(self, call: int | str, sent: bool, reason: str) -> None:
        """No answer to our request of this id can come any more, while the link lives on.

        `sent` is False only if the server provably never got it. `reason` is a phrase that follows "it".
        """
        ...


@runtime_checkable
class RefusalSink(Protocol):
    """What a sink may offer besides, to be told in our own words of a call that the server did not let in.

    Without it such a call is answered with a JSON-RPC error.
    """

    def on_call_refused(self, call: int | str, error: ServerError) -> None:
        """Our request of this id was not run, and `error` is for its caller."""
        ...


@runtime_checkable
class SessionSink(Protocol):
    """What a sink may offer besides, to be told how the session as a whole fares.

    Without it a session that is of no use any more lives on until the calls under way are over and another fails.
    """

    def on_closing(self, reason: str) -> None:
        """No new request fares better; those under way may still be answered. `reason` is a phrase after "it"."""
        ...

    def on_gap(self) -> None:
        """The general stream is open again. What the server said there meanwhile may be lost."""
        ...


def is_loopback(host: str) -> bool:
    """Whether a host name means this machine, by its spelling alone."""
    return host in _LOOPBACK or host.endswith(".localhost") or (host.startswith("127.") and host.count(".") == 3)


def proxy_for(url: str, environ: Mapping[str, str]) -> str | None:
    """The proxy that the usual variables name for `url`; loopback never goes through one."""
    parts = urlsplit(url)
    host = (parts.hostname or "").lower()
    if not host or is_loopback(host):
        return None
    lowered = {name.lower(): value for name, value in environ.items() if value}
    for exempt in lowered.get("no_proxy", "").split(","):
        name = exempt.strip().lower().lstrip("*").lstrip(".").partition(":")[0]
        if exempt.strip() == "*" or (name and (host == name or host.endswith("." + name))):
            return None
    return lowered.get(f"{parts.scheme}_proxy") or lowered.get("all_proxy")


def load() -> None:
    """Get ready what `open_http` needs: half a second of work, for a host to do in a thread before its first link."""
    importlib.import_module("mcp.client.streamable_http")
    importlib.import_module("mcpool.wire.http_link")
    importlib.import_module("mcpool.wire.http_tls").tls()


async def open_http(spec: HttpSpec, sink: Sink) -> HttpLink:
    """Open a link to `spec.url`. Nothing is sent yet: the first message written finds out whether anybody is there.

    Raises:
        ServerUnavailable: the URL or the proxy cannot be used at all.
    """
    from mcpool.wire.http_link import HttpLink  # brings the HTTP client with it

    link = HttpLink(spec, sink)
    await link.open()
    return link

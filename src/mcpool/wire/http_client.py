"""The HTTP client of one link: its limits, and how it finds out that the other side is silently gone."""

from __future__ import annotations

import socket  # noqa: TID251  (the names of options: the client opens the sockets)
from typing import TYPE_CHECKING

import httpx2

from mcpool.wire.http import is_loopback
from mcpool.wire.http_guard import Guard
from mcpool.wire.http_signed import Signed
from mcpool.wire.http_tls import tls

if TYPE_CHECKING:
    from mcpool.wire.http import HttpSpec
    from mcpool.wire.http_guard import Owner

_CONNECTIONS = 256
_IDLE_CONNECTIONS = 32
_IDLE_SECONDS = 4.0
"""Servers close what is idle for 5 s, by their defaults: a request that meets such an end may or may not have run."""
_WRITE_SECONDS = 60.0
_ALIVE_AFTER = 30
_ALIVE_EVERY = 10
_ALIVE_PROBES = 3
"""A peer that vanished without a word breaks its connections within a minute, streams on which it would speak too."""


def keep_alive() -> list[tuple[int, int, int]]:
    """Socket options that make the system look whether the other side is still there."""
    wanted = (
        (("TCP_KEEPIDLE", "TCP_KEEPALIVE"), _ALIVE_AFTER),
        (("TCP_KEEPINTVL",), _ALIVE_EVERY),
        (("TCP_KEEPCNT",), _ALIVE_PROBES),
    )
    options = [(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)]
    for names, value in wanted:
        known = next((getattr(socket, name) for name in names if hasattr(socket, name)), None)
        if known is not None:
            options.append((socket.IPPROTO_TCP, known, value))
    return options


def http_client(spec: HttpSpec, owner: Owner) -> httpx2.AsyncClient:
    """A client whose every failure is told to `owner`.

    Raises:
        ValueError: the URL or the proxy cannot be used at all.
    """
    url = httpx2.URL(spec.url)
    if url.scheme not in ("http", "https") or not url.host:
        msg = "it must have the form http://HOST/PATH or https://HOST/PATH"
        raise ValueError(msg)
    inner = _own_transport(spec, url) if spec.transport is None else spec.transport()
    credentials = spec.credentials
    return httpx2.AsyncClient(
        headers={"accept-encoding": "identity", **dict(spec.headers)},
        timeout=httpx2.Timeout(None, connect=spec.startup_timeout, write=_WRITE_SECONDS),
        transport=Guard(inner if credentials is None else Signed(inner, credentials), owner),
    )


def _own_transport(spec: HttpSpec, url: httpx2.URL) -> httpx2.AsyncHTTPTransport:
    return httpx2.AsyncHTTPTransport(
        verify=tls(),
        proxy=None if is_loopback(url.host) else spec.proxy,
        limits=httpx2.Limits(
            max_connections=_CONNECTIONS,
            max_keepalive_connections=_IDLE_CONNECTIONS,
            keepalive_expiry=_IDLE_SECONDS,
        ),
        socket_options=keep_alive(),
    )

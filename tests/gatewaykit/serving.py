"""A gateway on a port of its own, served as the daemon serves it."""

from __future__ import annotations

import socket
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager

from gatewaykit.http_client import TOKEN
from mcpool.config.client import EVERYTHING, ClientConfig
from mcpool.gateway.app import Gateway
from mcpool.gateway.http_face import http_face
from mcpool.gateway.limits import Limits
from mcpool.gateway.tokens import Tokens
from mcpool.gateway.upstream import Host

KEY = b"k" * 32


class FixedTokens:
    """Two clients, each with a token of its own."""

    def principal_of(self, token: str) -> str | None:
        return {TOKEN: "default", "other-" + TOKEN: "other"}.get(token)

    def revoked(self) -> frozenset[str]:
        return frozenset()


def gateway_for(
    host: Host,
    limits: Limits | None = None,
    tokens: Tokens | None = None,
    clients: Mapping[str, ClientConfig] | None = None,
) -> Gateway:
    known = clients or {}
    return Gateway(
        host,
        key=KEY,
        tokens=tokens or FixedTokens(),
        version="1.2.3",
        limits=limits,
        clients=lambda principal: known.get(principal, EVERYTHING),
    )


@asynccontextmanager
async def serving(gateway: Gateway) -> AsyncGenerator[int]:
    """Serve it; the value is the port."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as sock:
        sock.bind(("127.0.0.1", 0))
        sock.listen(128)
        async with http_face(gateway, sock):
            try:
                yield sock.getsockname()[1]
            finally:
                await gateway.close()

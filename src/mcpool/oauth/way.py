"""The way to the network that a server is reached by. What has to do with signing in to it goes the same way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mcpool.config.server import LOCAL
from mcpool.wire.http import Proxy

if TYPE_CHECKING:
    from httpx2 import AsyncBaseTransport


@dataclass(frozen=True, slots=True)
class Way:
    """How servers and issuers are reached from one place."""

    transport: Callable[[], AsyncBaseTransport]
    """Makes a transport. Where there is no way just now, its requests fail."""
    environment: str = LOCAL
    """From where: names mean what they mean there."""


Ways = Callable[[str], Way]
"""The way from the environment of this id."""


def from_here(proxy: Proxy) -> Way:
    """This machine's own way."""

    def transport() -> AsyncBaseTransport:
        from mcpool.oauth.asking import FromHere

        return FromHere(proxy)

    return Way(transport)

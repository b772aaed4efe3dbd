"""The HTTP client with which issuers are asked: an answer is bounded in size and time. Imported when it is needed."""

from __future__ import annotations

import asyncio

import httpx2

from mcpool.config.server import LOCAL
from mcpool.oauth.way import Way
from mcpool.wire.http import Proxy, is_loopback
from mcpool.wire.http_tls import tls

DEADLINE = 30.0
"""Seconds for one answer, from connecting to its last byte."""
LARGEST = 1024 * 1024
"""Bytes of one answer. Documents of issuers are a hundredth of this."""


class Unusable(httpx2.TransportError):
    """What was asked, or came back, cannot be used. The message is ours, and holds no secret."""


def safe(server: str, url: str, environment: str = LOCAL) -> bool:
    """Whether what has to do with signing in to a server may go to that URL.

    Whoever has the server on plain HTTP has chosen that; nobody else's tokens go where anybody can listen. A server on
    loopback is our own only where that is this machine's: elsewhere whoever runs there names the issuer.
    """
    own = httpx2.URL(server)
    lenient = own.scheme != "https" or (environment == LOCAL and is_loopback(own.host))
    return lenient or httpx2.URL(url).scheme == "https"


class FromHere(httpx2.AsyncBaseTransport):
    """Reaches each address from this machine, through the proxy for it if there is one."""

    def __init__(self, proxy: Proxy) -> None:
        self._proxy = proxy
        self._inner: dict[str | None, httpx2.AsyncHTTPTransport] = {}

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        proxy = self._proxy(str(request.url))
        inner = self._inner.get(proxy)
        if inner is None:
            inner = self._inner[proxy] = httpx2.AsyncHTTPTransport(verify=tls(), proxy=proxy)
        return await inner.handle_async_request(request)

    async def aclose(self) -> None:
        for inner in self._inner.values():
            await inner.aclose()


class _Bounded(httpx2.AsyncBaseTransport):
    """Reads each answer whole, within the bounds, and keeps tokens off connections that anybody can listen to."""

    def __init__(self, server: str, way: Way, deadline: float) -> None:
        self._server = server
        self._environment = way.environment
        self._deadline = deadline
        self._inner = way.transport()

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        if not safe(self._server, str(request.url), self._environment):
            raise Unusable("its address is not https, although the server's is")
        request.headers["accept-encoding"] = "identity"  # a small answer must not grow when it is unpacked
        try:
            async with asyncio.timeout(self._deadline):
                response = await self._inner.handle_async_request(request)
                try:
                    body = await _body(response)
                finally:
                    await response.aclose()
        except TimeoutError:
            raise Unusable(f"it did not answer within {self._deadline:g} s") from None
        framing = (b"content-length", b"transfer-encoding")
        headers = [(name, value) for name, value in response.headers.raw if name.lower() not in framing]
        return httpx2.Response(response.status_code, headers=headers, content=body)

    async def aclose(self) -> None:
        await self._inner.aclose()


async def _body(response: httpx2.Response) -> bytes:
    if response.headers.get("content-type", "").startswith("text/event-stream"):
        return b""  # a server that let us in; it need not end
    if response.headers.get("content-encoding", "identity") != "identity":
        raise Unusable("its answer is compressed, although that was not asked for")
    body = bytearray()
    async for chunk in response.aiter_raw():
        body += chunk
        if len(body) > LARGEST:
            raise Unusable(f"its answer is larger than {LARGEST} bytes")
    return bytes(body)


def asking(server: str, way: Way, auth: httpx2.Auth | None = None, deadline: float = DEADLINE) -> httpx2.AsyncClient:
    """A client for what has to do with signing in to the server of that URL."""
    # What bounds an answer is above; the client's own limits are for one read or write.
    return httpx2.AsyncClient(transport=_Bounded(server, way, deadline), auth=auth, timeout=deadline, trust_env=False)


def what_failed(error: httpx2.HTTPError) -> str:
    """For a person, without the URL, which may hold secrets."""
    if isinstance(error, Unusable):
        return str(error)
    return f"it could not be reached ({type(error).__name__})"

"""HTTP requests that are made here, on behalf of a client."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING

from mcpool.environments.exec_server.refusal import Refusal
from mcpool.environments.protocol import (
    INTERNAL_ERROR,
    INVALID_PARAMS,
    LARGEST_MESSAGE,
    UNREACHED,
    Header,
    HttpBody,
    HttpRequest,
    HttpResponse,
)
from mcpool.wire.http import proxy_for

if TYPE_CHECKING:
    import httpx2

LARGEST_PIECE = 256 * 1024
LARGEST_BODY = LARGEST_MESSAGE // 2
"""Bytes of a body that is answered in one piece."""
CONNECT_SECONDS = 30.0


class HttpAnswers:
    """Close it to close what it keeps open."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        """`environ` are the variables that headers are completed with; they name the proxies, too."""
        self._environ = environ
        self._transports: dict[str | None, httpx2.AsyncHTTPTransport] = {}

    async def close(self) -> None:
        """Close the connections."""
        for transport in self._transports.values():
            await transport.aclose()

    async def request(
        self,
        asked: HttpRequest,
        answer: Callable[[HttpResponse], None],
        send: Callable[[HttpBody], Awaitable[None]],
    ) -> None:
        """Make a request, answer with what comes of it, and send the body after that if it is to be streamed.

        Raises: Refusal, before anything was answered.
        """
        headers = [(header.name, self._value(header)) for header in asked.headers]
        try:
            client = await self._client(asked.url)
        except ValueError as error:
            raise Refusal(INVALID_PARAMS, str(error)) from None
        import httpx2

        seconds = None if asked.timeout_ms is None else asked.timeout_ms / 1000
        answered = False
        seq = 0
        try:
            async with asyncio.timeout(seconds):
                request = client.build_request(
                    asked.method,
                    asked.url,
                    headers=headers,
                    content=asked.body_base64,
                )
                response = await client.send(request, stream=True, follow_redirects=asked.redirect_policy == "follow")
                try:
                    told = tuple(Header(_text(name), _text(value)) for name, value in response.headers.raw)
                    if not asked.stream_response:
                        answer(HttpResponse(response.status_code, told, await _whole(response)))
                        return
                    answer(HttpResponse(response.status_code, told))
                    answered = True
                    # Asked for pieces of a size it would wait until there is as much, for ever in an event stream.
                    async for came in response.aiter_raw():
                        for start in range(0, len(came), LARGEST_PIECE):
                            seq += 1
                            await send(HttpBody(asked.request_id, seq, came[start : start + LARGEST_PIECE]))
                finally:
                    await response.aclose()
            await send(HttpBody(asked.request_id, seq + 1, done=True))
        except (httpx2.HTTPError, httpx2.InvalidURL, httpx2.StreamError, TimeoutError, ValueError) as error:
            from mcpool.wire.http_error import UNSENT, why

            said = f"no answer within {seconds:g} s" if isinstance(error, TimeoutError) else why(error)
            if answered:
                await send(HttpBody(asked.request_id, seq + 1, done=True, error=said))
                return
            invalid = isinstance(error, httpx2.InvalidURL | httpx2.UnsupportedProtocol | ValueError)
            code = INVALID_PARAMS if invalid else UNREACHED if isinstance(error, UNSENT) else INTERNAL_ERROR
            raise Refusal(code, said) from None

    def _value(self, header: Header) -> str:
        if header.value_env_var is None:
            return header.value
        found = self._environ.get(header.value_env_var)
        if not found:
            what = f"the header {header.name} needs a value for the executor's variable {header.value_env_var}"
            raise Refusal(INVALID_PARAMS, f"{what}; set it where the executor runs, and start that anew")
        if not (found.isascii() and found.isprintable()):  # what the client says of that quotes it
            what = f"the header {header.name} cannot hold the value of the executor's variable {header.value_env_var}"
            raise Refusal(INVALID_PARAMS, f"{what}; is there a line break at its end?")
        return header.value + found

    async def _client(self, url: str) -> httpx2.AsyncClient:
        """A client for one request, that knows nothing of others: what they share are connections."""
        await asyncio.to_thread(importlib.import_module, "httpx2")
        tls = await asyncio.to_thread(lambda: importlib.import_module("mcpool.wire.http_tls").tls())
        import httpx2

        proxy = proxy_for(url, self._environ)
        transport = self._transports.get(proxy)
        if transport is None:
            transport = self._transports[proxy] = httpx2.AsyncHTTPTransport(verify=tls, proxy=proxy)
        timeout = httpx2.Timeout(None, connect=CONNECT_SECONDS)
        return httpx2.AsyncClient(
            transport=transport, trust_env=False, timeout=timeout, headers={"accept-encoding": "identity"}
        )


async def _whole(response: httpx2.Response) -> bytes:
    pieces: list[bytes] = []
    size = 0
    async for piece in response.aiter_raw():
        size += len(piece)
        if size > LARGEST_BODY:
            raise ValueError(f"the answer is larger than {LARGEST_BODY} bytes")
        pieces.append(piece)
    return b"".join(pieces)


def _text(raw: bytes) -> str:
    return raw.decode("latin-1")

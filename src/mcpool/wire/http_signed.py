"""Requests that carry an access token, which is replaced when the server refuses it."""

from __future__ import annotations

import httpx2

from mcpool.wire.credentials import Credentials
from mcpool.wire.http_challenge import scopes_lacking

UNAUTHORIZED = 401
_FORBIDDEN = 403


class Signed(httpx2.AsyncBaseTransport):
    """A transport around another that authorises each request.

    A request that is refused (401) has not run; it is sent once more if there is another token.
    """

    def __init__(self, inner: httpx2.AsyncBaseTransport, credentials: Credentials) -> None:
        self._inner = inner
        self._credentials = credentials

    async def aclose(self) -> None:
        await self._inner.aclose()

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Raises: as the inner transport. ServerUnavailable: the token cannot be renewed now. AuthRequired: it does not
        cover this."""
        token = await self._credentials.token()
        response = await self._checked(await self._inner.handle_async_request(_with(request, token)))
        if response.status_code != UNAUTHORIZED:
            return response
        try:
            other = await self._credentials.instead_of(token)
        except BaseException:
            await response.aclose()
            raise
        if other is None or other == token:
            return response
        await response.aclose()
        return await self._checked(await self._inner.handle_async_request(_with(request, other)))

    async def _checked(self, response: httpx2.Response) -> httpx2.Response:
        if response.status_code == _FORBIDDEN:
            lacking = scopes_lacking(response.headers.get("www-authenticate"))
            if lacking:
                await response.aclose()
                raise self._credentials.lacking(lacking)
        return response


def _with(request: httpx2.Request, token: str | None) -> httpx2.Request:
    if token is not None:
        request.headers["Authorization"] = f"Bearer {token}"
    return request

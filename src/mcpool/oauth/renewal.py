"""Renewing a grant: one request to its issuer, made and read by the official SDK."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from urllib.parse import urlsplit

from mcpool.oauth.grant import Grant

DEADLINE = 45.0
"""Seconds that an issuer may take."""
_TRY_LATER = frozenset({408, 425, 429})


class NotNow(Exception):
    """The issuer could not be asked, or could not answer; another time it may. The message says what happened."""


async def renewed(grant: Grant, resource: str | None, proxy: Callable[[str], str | None]) -> Grant:
    """The grant with new tokens, or without any if the issuer refuses to renew it.

    Raises:
        NotNow: it is not known whether it would.
    """
    import httpx2
    from mcp.client.auth import OAuthFlowError

    from mcpool.oauth import sdk

    try:
        memory = sdk.remembered(grant)
        client = sdk.provider(grant.url, memory, redirect="http://127.0.0.1/callback", resource=resource)
        sdk.prepare(client, grant)
    except ValueError:
        return grant.spent()  # documents that this version cannot read
    own = httpx2.Request("GET", grant.url)  # stands for the request that needs the token; it is never sent
    flow = client.async_auth_flow(own)
    status = 0
    try:
        async with asyncio.timeout(DEADLINE):
            request = await anext(flow)
            if request is own:
                return grant.spent()
            async with httpx2.AsyncClient(proxy=proxy(str(request.url)), trust_env=False, timeout=DEADLINE) as http:
                while request is not own:
                    response = await http.send(request)
                    status = response.status_code
                    request = await flow.asend(response)
    except OAuthFlowError:
        return grant.spent()  # this client cannot do what the issuer wants
    except TimeoutError:
        raise NotNow(f"{_host(grant)} did not answer within {DEADLINE:g} s") from None
    except httpx2.HTTPError as error:
        raise NotNow(f"{_host(grant)} could not be reached ({type(error).__name__})") from None
    finally:
        await flow.aclose()
    if memory.received_at is not None:
        return sdk.granted(client, memory, grant.url)
    if 400 <= status < 500 and status not in _TRY_LATER:
        return grant.spent()
    raise NotNow(f"{_host(grant)} answered HTTP {status}")


def _host(grant: Grant) -> str:
    parts = urlsplit(grant.issuer)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"

"""Renewing a grant: one request to its issuer, made and read by the official SDK."""

from __future__ import annotations

import asyncio

import msgspec

from mcpool.oauth.grant import Grant
from mcpool.oauth.way import Way
from mcpool.wire.refused import seconds

DEADLINE = 45.0
"""Seconds that an issuer may take."""

_REFUSING = frozenset({200, 400, 401})
"""Statuses under which an issuer says that it does not renew this. Some say so with 200."""
_PASSING = frozenset({"server_error", "slow_down", "temporarily_unavailable"})
"""Errors that mean: another time."""
_UNKNOWN_CLIENT = frozenset({"invalid_client", "unauthorized_client"})


class NotNow(Exception):
    """The issuer could not be asked, or could not answer; another time it may. The message says what happened.

    `pause` is how many seconds it wants to be left alone, None if it does not say.
    """

    def __init__(self, message: str, pause: float | None = None) -> None:
        super().__init__(message)
        self.pause = pause


class _Refusal(msgspec.Struct):
    """The body of an error (RFC 6749, section 5.2)."""

    error: str


def refusal(status: int, body: bytes) -> str | None:
    """The issuer's code for why it does not renew; None if that is not what it says.

    Only this is a reason to give up a refresh token. Any other answer may be a proxy's, or a bad hour of the issuer.
    """
    if status not in _REFUSING:
        return None
    try:
        error = msgspec.json.decode(body, type=_Refusal).error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return error if error and error not in _PASSING else None


async def renewed(grant: Grant, resource: str | None, way: Way) -> Grant:
    """The grant with new tokens, or without any if the issuer refuses to renew it.

    Raises:
        NotNow: it is not known whether it would.
    """
    import httpx2
    from mcp.client.auth import OAuthFlowError

    from mcpool.oauth import sdk
    from mcpool.oauth.asking import asking, what_failed

    try:
        memory = sdk.remembered(grant)
        client = sdk.provider(grant.url, memory, redirect="http://127.0.0.1/callback", resource=resource)
        sdk.prepare(client, grant)
    except ValueError:
        return grant.spent()  # documents that this version cannot read
    own = httpx2.Request("GET", grant.url)  # stands for the request that needs the token; it is never sent
    flow = client.async_auth_flow(own)
    status, body, pause = 0, b"", None
    try:
        async with asyncio.timeout(DEADLINE), asking(grant.url, way, deadline=DEADLINE) as http:
            request = await anext(flow)
            if request is own:
                return grant.spent()
            while request is not own:
                response = await http.send(request)
                status, body = response.status_code, response.content
                pause = seconds(response.headers.get("retry-after"))
                request = await flow.asend(response)
    except OAuthFlowError:
        return grant.spent()  # this client cannot do what the issuer wants
    except TimeoutError:
        raise NotNow(f"{grant.host}: it did not answer within {DEADLINE:g} s") from None
    except httpx2.HTTPError as error:
        raise NotNow(f"{grant.host}: {what_failed(error)}") from None
    except (ValueError, OverflowError):
        raise NotNow(f"{grant.host} answered HTTP {status} with something that cannot be understood") from None
    finally:
        await flow.aclose()
    if memory.received_at is not None:
        return sdk.granted(client, memory, grant.url)
    code = refusal(status, body)
    if code is not None:
        return grant.spent(registered=code not in _UNKNOWN_CLIENT)
    raise NotNow(f"{grant.host} answered HTTP {status}{'' if status != 200 else ' without a token'}", pause)

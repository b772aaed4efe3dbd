"""Revoking a grant at its issuer (RFC 7009), so that nobody can use a copy of its tokens."""

from __future__ import annotations

import asyncio

from mcpool.oauth.grant import Grant
from mcpool.oauth.way import Way

DEADLINE = 15.0
"""Seconds that an issuer may take for all of it."""
_BAD_REQUEST = 400
"""Issuers that revoke refresh tokens only may say this of an access token, which soon expires by itself."""


class NotRevoked(Exception):
    """Its tokens may be good until they expire. The message says why, and holds no secret."""


async def revoke(grant: Grant, way: Way) -> None:
    """Have the issuer take back its tokens: the refresh token first, since others come of that.

    Raises:
        NotRevoked: it offers no way to, refused, or could not be reached.
    """
    import httpx2
    from mcp.client.auth import OAuthFlowError

    from mcpool.oauth import sdk
    from mcpool.oauth.asking import asking, what_failed

    try:
        client = sdk.provider(grant.url, sdk.remembered(grant), redirect="http://127.0.0.1/callback")
        sdk.prepare(client, grant)
    except ValueError:
        raise NotRevoked("what is kept of it cannot be understood") from None
    context = client.context
    context.client_info = await context.storage.get_client_info()
    endpoint = None if context.oauth_metadata is None else context.oauth_metadata.revocation_endpoint
    if endpoint is None:
        raise NotRevoked(f"{grant.host} offers no way to")
    try:
        async with asyncio.timeout(DEADLINE), asking(grant.url, way, deadline=DEADLINE) as http:
            for kind, token in (("refresh_token", grant.refresh_token), ("access_token", grant.access_token)):
                if token is None:
                    continue
                form = {"token": token, "token_type_hint": kind, "client_id": str(grant.client.get("client_id", ""))}
                form, headers = context.prepare_token_auth(form, {})
                response = await http.post(str(endpoint), data=form, headers=headers)
                if response.status_code == _BAD_REQUEST and "client_secret" not in form and not headers:
                    # None and an empty one are the same (RFC 6749, section 2.3.1), but not to the SDK's own server.
                    response = await http.post(str(endpoint), data=form | {"client_secret": ""})
                without_renewal = kind == "access_token" and grant.refresh_token is not None
                if not (response.is_success or (without_renewal and response.status_code == _BAD_REQUEST)):
                    raise NotRevoked(f"{grant.host} answered HTTP {response.status_code}")
    except OAuthFlowError:
        raise NotRevoked(f"{grant.host} wants what mcpool cannot do") from None
    except TimeoutError:
        raise NotRevoked(f"{grant.host} did not answer within {DEADLINE:g} s") from None
    except httpx2.HTTPError as error:
        raise NotRevoked(f"{grant.host}: {what_failed(error)}") from None

"""Having the official SDK's OAuth client do its work: a request that is refused without credentials starts it.

Imported when it is needed.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import httpx2

from mcpool.config.server import Http
from mcpool.errors import ServerUnavailable
from mcpool.oauth import sdk
from mcpool.oauth.asking import asking, what_failed
from mcpool.oauth.grant import Grant
from mcpool.oauth.way import Way

if TYPE_CHECKING:
    from mcp.client.auth import OAuthClientProvider

_PING = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "ping"}).encode()
_HEADERS = {"content-type": "application/json", "accept": "application/json, text/event-stream"}
_REFUSED = (401, 403)


async def obtained(server: str, http: Http, client: OAuthClientProvider, memory: sdk.Memory, way: Way) -> Grant:
    """What the client gets, as the server wants it.

    Raises:
        ServerUnavailable: it got nothing; the message says why, without secrets.
    """
    from mcp.client.auth import OAuthFlowError

    headers = dict(http.http_headers) | _HEADERS
    try:
        # A request outside of any session: it does nothing, but it is refused without credentials.
        async with (
            asking(http.url, way, client) as issuer,
            issuer.stream("POST", http.url, content=_PING, headers=headers) as response,
        ):
            status = response.status_code
    except httpx2.HTTPError as error:
        if memory.received_at is not None:
            return sdk.granted(client, memory, http.url)  # whatever befell the server after that
        what = f"the sign-in failed at {_host(error)}: {what_failed(error)}"
        raise ServerUnavailable(server, what) from None
    except (OAuthFlowError, ValueError, OverflowError) as error:
        raise ServerUnavailable(server, f"the sign-in failed: {_without_secrets(error)}") from None
    if memory.received_at is None:
        told = f"it answered HTTP {status}"
        if status not in _REFUSED and status < 500:
            told += " and did not ask for credentials: there is nothing to sign in to"
        raise ServerUnavailable(server, told)
    if status in _REFUSED:
        raise ServerUnavailable(server, f"it still answers HTTP {status} to the token that its issuer gave")
    return sdk.granted(client, memory, http.url)


def _host(error: httpx2.HTTPError) -> str:
    try:
        return error.request.url.host
    except RuntimeError:
        return "a server that it needs"


def _without_secrets(error: Exception) -> str:
    """What can be said of it: what issuers write into their errors is not ours to show."""
    text = str(error)
    status = re.search(r"\((\d{3})\)|: (\d{3})\b", text)
    code = re.search(r'"error"\s*:\s*"([a-z_]{1,40})"', text)
    kind = {
        "OAuthRegistrationError": "its issuer did not register mcpool; `oauth.client_id` names a registration of yours",
        "OAuthTokenError": "its issuer did not give a token",
    }.get(type(error).__name__, "its issuer did not keep to the protocol")
    if "State parameter" in text:
        return "what came back belongs to another sign-in"
    details = [f"HTTP {status[1] or status[2]}"] if status else []
    details += [f"`{code[1]}`"] if code else []
    return f"{kind} ({', '.join(details)})" if details else kind

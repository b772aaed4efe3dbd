"""Signing a person in: discovery, registration, the browser's round trip and the exchange, by the official SDK."""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mcpool.config.server import Http
from mcpool.errors import ServerUnavailable
from mcpool.oauth.callback import Answer
from mcpool.oauth.grant import Grant
from mcpool.wire.http import Proxy

if TYPE_CHECKING:
    import httpx2

_PING = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "ping"}).encode()
_HEADERS = {"content-type": "application/json", "accept": "application/json, text/event-stream"}
_REFUSED = (401, 403)


class _Refused(Exception):
    """The issuer sent the browser back with an error."""


@dataclass(frozen=True, slots=True)
class Visit:
    """How a person gets to a page of the issuer, and what comes of it comes back."""

    redirect: str
    """Where the issuer sends the browser at the end."""
    show: Callable[[str], Awaitable[None]]
    answer: Callable[[], Awaitable[Answer]]


def scopes_to_ask_for(http: Http, before: Grant | None, more: tuple[str, ...]) -> tuple[str, ...]:
    """What a sign-in asks for; none means what the server names. `more` is asked for with what was allowed before."""
    if not more:
        return http.scopes
    allowed = tuple((before.scope or "").split()) if before is not None else ()
    return tuple(dict.fromkeys((*(http.scopes or allowed), *more)))


async def sign_in(
    server: str, http: Http, before: Grant | None, visit: Visit, proxy: Proxy, more: tuple[str, ...] = ()
) -> Grant:
    """Sign in to a server anew; `before` is what is left of the last time, for its registration.

    `more` are scopes to ask for besides what was allowed then.

    Raises:
        ServerUnavailable: it did not come about; the message says why, without secrets.
    """
    import httpx2
    from mcp.client.auth import OAuthFlowError
    from mcp.shared.auth import AuthorizationCodeResult

    from mcpool.oauth import sdk
    from mcpool.oauth.asking import asking, safe, what_failed

    async def show(url: str) -> None:
        if not safe(http.url, url):
            raise OAuthFlowError("the page to sign in on is not https")
        await visit.show(url)

    async def receive() -> AuthorizationCodeResult:
        answer = await visit.answer()
        if answer.error is not None:
            raise _Refused(answer.error)
        return AuthorizationCodeResult(code=answer.code, state=answer.state, iss=answer.iss)

    scopes = scopes_to_ask_for(http, before, more)
    memory = sdk.Memory(None, sdk.registration(http, before, visit.redirect, scopes))
    client = sdk.provider(
        http.url,
        memory,
        redirect=visit.redirect,
        scopes=scopes,
        resource=http.oauth_resource,
        show=show,
        receive=receive,
    )
    headers = dict(http.http_headers) | _HEADERS
    try:
        # A request outside of any session: it does nothing, but it is refused without credentials.
        async with (
            asking(http.url, proxy, client) as issuer,
            issuer.stream("POST", http.url, content=_PING, headers=headers) as response,
        ):
            status = response.status_code
    except _Refused as refusal:
        raise ServerUnavailable(server, f"you were not signed in: its issuer says `{refusal}`") from None
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

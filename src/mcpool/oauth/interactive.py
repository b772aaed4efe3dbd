"""Signing a person in: discovery, registration, the browser's round trip and the exchange, by the official SDK."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from mcpool.config.server import Http
from mcpool.errors import ServerUnavailable
from mcpool.oauth.callback import Answer
from mcpool.oauth.grant import Grant
from mcpool.oauth.way import Way


class _Refused(Exception):
    """The issuer sent the browser back with an error."""


class _NotShown(Exception):
    """Whoever shows pages failed."""

    def __init__(self, error: Exception) -> None:
        super().__init__(str(error))
        self.error = error


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
    server: str, http: Http, before: Grant | None, visit: Visit, way: Way, more: tuple[str, ...] = ()
) -> Grant:
    """Sign in to a server anew; `before` is what is left of the last time, for its registration.

    `more` are scopes to ask for besides what was allowed then.

    Raises:
        ServerUnavailable: it did not come about; the message says why, without secrets.
        Exception: what `visit.show` raised.
    """
    from mcp.client.auth import OAuthFlowError
    from mcp.shared.auth import AuthorizationCodeResult

    from mcpool.oauth import sdk
    from mcpool.oauth.asking import safe
    from mcpool.oauth.obtaining import obtained

    async def show(url: str) -> None:
        if not safe(http.url, url, way.environment):
            raise OAuthFlowError("the page to sign in on is not https")
        try:
            await visit.show(url)
        except Exception as error:
            raise _NotShown(error) from error

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
    try:
        return await obtained(server, http, client, memory, way)
    except _Refused as refusal:
        raise ServerUnavailable(server, f"you were not signed in: its issuer says `{refusal}`") from None
    except _NotShown as failed:
        raise failed.error from None

"""An MCP server that wants to be signed in to, and its issuer, on loopback. Built from the official SDK's parts."""

from __future__ import annotations

import asyncio
import secrets
import socket
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import httpx2
import uvicorn
from mcp.server.auth.provider import (
    AccessToken,
    AuthorizationCode,
    AuthorizationParams,
    IdentityAssertionParams,
    RefreshToken,
    TokenError,
    construct_redirect_uri,
)
from mcp.server.auth.settings import AuthSettings, ClientRegistrationOptions, RevocationOptions
from mcp.server.mcpserver import MCPServer
from mcp.shared.auth import OAuthClientInformationFull, OAuthToken
from pydantic import AnyHttpUrl
from starlette.types import ASGIApp


class Issuer:
    """Signs everybody in who asks, counts what it is asked for, and marks all its secrets so that leaks are found."""

    def __init__(self, lifetime: int = 3600) -> None:
        self.lifetime = lifetime
        self.clients: dict[str, OAuthClientInformationFull] = {}
        self.codes: dict[str, AuthorizationCode] = {}
        self.access: dict[str, AccessToken] = {}
        self.refresh: dict[str, RefreshToken] = {}
        self.sign_ins = 0
        self.refreshes = 0
        self.secrets: set[str] = set()
        self.refuses = False
        """Whether refresh tokens are revoked."""
        self.takes_again = False
        """Whether a refresh token is good for more than once."""
        self.before_refresh: asyncio.Event | None = None
        """Set: a refresh is answered when this is."""
        self.refresh_asked = asyncio.Event()
        self.scopes: list[str] | None = None
        """What the last sign-in asked for."""
        self.resource: str | None = None

    def expire_all(self) -> None:
        """No access token that was issued is good any more."""
        self.access.clear()

    def revoke_all(self) -> None:
        """Nor is any refresh token."""
        self.expire_all()
        self.refuses = True

    # What the SDK's server asks (mcp.server.auth.provider.OAuthAuthorizationServerProvider)

    async def get_client(self, client_id: str) -> OAuthClientInformationFull | None:
        return self.clients.get(client_id)

    async def register_client(self, client_info: OAuthClientInformationFull) -> None:
        self.clients[client_info.client_id] = client_info

    async def authorize(self, client: OAuthClientInformationFull, params: AuthorizationParams) -> str:
        self.scopes, self.resource = params.scopes, params.resource
        code = self._secret("code")
        self.codes[code] = AuthorizationCode(
            code=code,
            scopes=params.scopes or [],
            expires_at=time.time() + 60,
            client_id=client.client_id,
            code_challenge=params.code_challenge,
            redirect_uri=params.redirect_uri,
            redirect_uri_provided_explicitly=params.redirect_uri_provided_explicitly,
            resource=params.resource,
        )
        return construct_redirect_uri(str(params.redirect_uri), code=code, state=params.state)

    async def load_authorization_code(
        self, client: OAuthClientInformationFull, authorization_code: str
    ) -> AuthorizationCode | None:
        return self.codes.get(authorization_code)

    async def exchange_authorization_code(
        self, client: OAuthClientInformationFull, authorization_code: AuthorizationCode
    ) -> OAuthToken:
        del self.codes[authorization_code.code]
        self.sign_ins += 1
        self.refuses = False
        return self._issue(client.client_id, authorization_code.scopes)

    async def load_refresh_token(self, client: OAuthClientInformationFull, refresh_token: str) -> RefreshToken | None:
        return self.refresh.get(refresh_token)

    async def exchange_refresh_token(
        self, client: OAuthClientInformationFull, refresh_token: RefreshToken, scopes: list[str]
    ) -> OAuthToken:
        self.refreshes += 1
        self.refresh_asked.set()
        if self.before_refresh is not None:
            await self.before_refresh.wait()
        if self.refuses:
            raise TokenError("invalid_grant", f"revoked: {refresh_token.token}")  # some issuers do quote it
        if not self.takes_again:
            del self.refresh[refresh_token.token]
        return self._issue(client.client_id, scopes)

    async def exchange_identity_assertion(
        self, client: OAuthClientInformationFull, params: IdentityAssertionParams
    ) -> OAuthToken:
        raise NotImplementedError

    async def load_access_token(self, token: str) -> AccessToken | None:
        return self.access.get(token)

    async def revoke_token(self, token: AccessToken | RefreshToken) -> None:
        self.access.pop(token.token, None)
        self.refresh.pop(token.token, None)

    def _issue(self, client_id: str, scopes: list[str]) -> OAuthToken:
        access, refresh = self._secret("access"), self._secret("refresh")
        self.access[access] = AccessToken(token=access, client_id=client_id, scopes=scopes)
        self.refresh[refresh] = RefreshToken(token=refresh, client_id=client_id, scopes=scopes)
        return OAuthToken(access_token=access, refresh_token=refresh, expires_in=self.lifetime, scope=" ".join(scopes))

    def _secret(self, kind: str) -> str:
        secret = f"{kind}-{secrets.token_hex(16)}"
        self.secrets.add(secret)
        return secret


def register(issuer: Issuer, client_id: str, secret: str | None, redirect: str) -> None:
    """Have the issuer know a client."""
    issuer.clients[client_id] = OAuthClientInformationFull.model_validate(
        {
            "client_id": client_id,
            "client_secret": secret,
            "redirect_uris": [redirect],
            "token_endpoint_auth_method": "none" if secret is None else "client_secret_basic",
        }
    )


def guarded(issuer: Issuer, origin: str, login: str) -> ASGIApp:
    """The server at `origin`, and the issuer at `login`, as one application."""
    server = MCPServer(
        "guarded",
        auth_server_provider=issuer,
        auth=AuthSettings(
            issuer_url=AnyHttpUrl(login),
            resource_server_url=AnyHttpUrl(f"{origin}/mcp"),
            client_registration_options=ClientRegistrationOptions(enabled=True),
            revocation_options=RevocationOptions(enabled=True),
            required_scopes=[],
            validate_token_resource=False,
        ),
    )

    @server.tool()
    async def work(text: str = "done") -> str:
        return text

    return server.streamable_http_app()


@asynccontextmanager
async def oauth_server(issuer: Issuer) -> AsyncGenerator[str]:
    """An MCP server with one tool, `work`, that lets in who has a token of `issuer`; yields its URL."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        origin = f"http://127.0.0.1:{sock.getsockname()[1]}"
        app = guarded(issuer, origin, origin)
        running = uvicorn.Server(uvicorn.Config(app, log_level="error", ws="none", timeout_graceful_shutdown=1))
        task = asyncio.create_task(running.serve(sockets=[sock]))
        try:
            yield f"{origin}/mcp"
        finally:
            running.should_exit = True
            await task


async def visit(url: str, proxy: str | None = None) -> str:
    """What a browser does with the authorization URL; returns the address that it is sent to."""
    async with httpx2.AsyncClient(proxy=proxy) as browser:
        response = await browser.get(url)
    return response.headers["location"]


async def come_back(url: str) -> None:
    """What a browser does with the address that it is sent to: that is on this machine."""
    async with httpx2.AsyncClient(trust_env=False) as browser:
        await browser.get(url)

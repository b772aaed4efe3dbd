"""The official SDK's OAuth client, told what to remember and what to ask for. Imported with the first sign-in."""

from __future__ import annotations

import logging
import time
import warnings
from collections.abc import Awaitable, Callable
from dataclasses import fields
from typing import TYPE_CHECKING

from mcpool.config.server import Http
from mcpool.oauth.grant import Grant, sendable

if TYPE_CHECKING:
    from mcp.client.auth import OAuthClientProvider
    from mcp.shared.auth import (
        AuthorizationCodeResult,
        OAuthClientInformationFull,
        OAuthMetadata,
        OAuthToken,
        ProtectedResourceMetadata,
    )

Show = Callable[[str], Awaitable[None]]
"""Has a person visit a URL."""
Receive = Callable[[], "Awaitable[AuthorizationCodeResult]"]
"""Waits for what comes of it."""

_BASIC, _POST = "client_secret_basic", "client_secret_post"
"""The ways to send a client's secret; the first one where an issuer does not say (RFC 8414)."""
_LONGEST = 10 * 365 * 86400
"""Seconds that a token is good for at most, whatever its issuer says."""
_TALKATIVE = ("mcp.client.auth.oauth2", "mcp.client.auth.utils")
"""Logs that quote what issuers answer, tokens included. What fails is told by us, without them."""


class Memory:
    """What the SDK's client is given to begin with, and what it found out (`mcp.client.auth.TokenStorage`)."""

    def __init__(self, tokens: OAuthToken | None, client: OAuthClientInformationFull | None) -> None:
        self.tokens = tokens
        self.client = client
        self.received_at: float | None = None
        """Unix time at which new tokens came; None if none did."""

    async def get_tokens(self) -> OAuthToken | None:
        return self.tokens

    async def set_tokens(self, tokens: OAuthToken) -> None:
        if not sendable(tokens.access_token):
            raise ValueError("an access token that no header can hold")
        self.tokens = tokens
        self.received_at = time.time()

    async def get_client_info(self) -> OAuthClientInformationFull | None:
        return self.client

    async def set_client_info(self, client_info: OAuthClientInformationFull) -> None:
        self.client = client_info


def provider(
    url: str,
    memory: Memory,
    *,
    redirect: str,
    scopes: tuple[str, ...] = (),
    resource: str | None = None,
    show: Show | None = None,
    receive: Receive | None = None,
) -> OAuthClientProvider:
    """The SDK's client for one server. Without `show` and `receive` it cannot sign anybody in."""
    from mcp.client.auth import OAuthClientProvider
    from mcp.shared.auth import OAuthClientMetadata

    wanted = OAuthClientMetadata.model_validate(
        {
            "client_name": "mcpool",
            "redirect_uris": [redirect],
            "scope": " ".join(scopes) or None,
            "token_endpoint_auth_method": "none",
        }
    )
    return _adapted(OAuthClientProvider(url, wanted, memory, show, receive), scopes, resource)


def own_provider(http: Http) -> tuple[Memory, OAuthClientProvider]:
    """The SDK's client for a server that is signed in to by the configured client itself.

    Raises:
        ValueError: its private key cannot be used.
    """
    from mcp.client.auth.extensions.client_credentials import (
        ClientCredentialsOAuthProvider,
        PrivateKeyJWTOAuthProvider,
        SignedJWTParameters,
    )

    memory, id = Memory(None, None), http.oauth_client_id or ""
    made: OAuthClientProvider
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of an issuer that is not named; which one it is then is the server's word
        if http.oauth_private_key is not None:
            algorithm = algorithm_of(http.oauth_private_key)
            signed = SignedJWTParameters(
                issuer=id, subject=id, signing_key=http.oauth_private_key, signing_algorithm=algorithm
            )
            assertions = signed.create_assertion_provider()
            made = PrivateKeyJWTOAuthProvider(http.url, memory, id, assertions, issuer=http.oauth_issuer)
        else:
            secret = http.oauth_client_secret or ""
            made = ClientCredentialsOAuthProvider(http.url, memory, id, secret, issuer=http.oauth_issuer)
    return memory, _adapted(made, http.scopes, http.oauth_resource)


def algorithm_of(private_key: str) -> str:
    """How one signs with a key (RFC 7518).

    Raises:
        ValueError: it is no private key in PEM that can be used.
    """
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        key = load_pem_private_key(private_key.encode(), None)
    except (TypeError, ValueError) as error:
        raise ValueError("not a private key in PEM without a password") from error
    if isinstance(key, EllipticCurvePrivateKey):
        return {256: "ES256", 384: "ES384", 521: "ES512"}.get(key.curve.key_size, "ES256")
    return "EdDSA" if isinstance(key, Ed25519PrivateKey) else "RS256"


def _adapted(made: OAuthClientProvider, scopes: tuple[str, ...], resource: str | None) -> OAuthClientProvider:
    """The same, told what is configured."""
    from mcp.client.auth.oauth2 import OAuthContext
    from mcp.shared.auth import OAuthClientMetadata

    class Context(OAuthContext):
        def get_resource_url(self) -> str:
            return resource or super().get_resource_url()

        def should_include_resource_param(self, protocol_version: str | None = None) -> bool:
            return resource is not None or super().should_include_resource_param(protocol_version)

        def prepare_token_auth(
            self, data: dict[str, str], headers: dict[str, str] | None = None
        ) -> tuple[dict[str, str], dict[str, str]]:
            client, issuer = self.client_info, self.oauth_metadata
            ways = (issuer.token_endpoint_auth_methods_supported if issuer is not None else None) or [_BASIC]
            if (
                client is not None
                and client.token_endpoint_auth_method == _BASIC
                and _BASIC not in ways
                and _POST in ways
            ):
                client.token_endpoint_auth_method = _POST
            return super().prepare_token_auth(data, headers)

    class Wanted(OAuthClientMetadata):
        """The SDK asks for the scopes that the server names; those of the configuration take precedence."""

        def __setattr__(self, name: str, value: object) -> None:
            if name != "scope" or not scopes:
                super().__setattr__(name, value)

    for name in _TALKATIVE:
        logging.getLogger(name).disabled = True
    before = made.context
    made.context = Context(**{field.name: getattr(before, field.name) for field in fields(before)})
    told = before.client_metadata.model_dump() | {"scope": " ".join(scopes) or None}
    made.context.client_metadata = Wanted.model_validate(told)
    return made


def registration(
    http: Http, before: Grant | None, redirect: str, scopes: tuple[str, ...] = ()
) -> OAuthClientInformationFull | None:
    """The registration to sign in with: the configured one, or that of the last time if it is good; None makes one."""
    from mcp.shared.auth import OAuthClientInformationFull

    if http.oauth_client_id is not None:
        secret = http.oauth_client_secret
        return OAuthClientInformationFull.model_validate(
            {
                "client_id": http.oauth_client_id,
                "client_secret": secret,
                "redirect_uris": [redirect],
                "token_endpoint_auth_method": "none" if secret is None else _BASIC,
            }
        )
    if before is None:
        return None
    try:
        client = OAuthClientInformationFull.model_validate(before.client)
    except ValueError:
        return None
    fits = redirect in {str(uri) for uri in client.redirect_uris or ()}
    fits &= client.scope is None or set(scopes) <= set(client.scope.split())
    return client if fits and not 0 < (client.client_secret_expires_at or 0) <= time.time() else None


def remembered(grant: Grant) -> Memory:
    """What the SDK's client has to know of a grant to renew it."""
    from mcp.shared.auth import OAuthClientInformationFull, OAuthToken

    tokens = OAuthToken(
        access_token=grant.access_token or "", refresh_token=grant.refresh_token, scope=grant.scope, expires_in=0
    )
    return Memory(tokens, OAuthClientInformationFull.model_validate(grant.client))


def prepare(made: OAuthClientProvider, grant: Grant) -> None:
    """Let the client renew what `grant` holds, at the issuer that it came from and nowhere else."""
    from mcp.shared.auth import OAuthMetadata, ProtectedResourceMetadata

    context = made.context
    context.token_expiry_time = 1.0  # long ago
    context.auth_server_url = grant.issuer
    if grant.server is not None:
        context.oauth_metadata = OAuthMetadata.model_validate(grant.server)
    if grant.resource is not None:
        context.protected_resource_metadata = ProtectedResourceMetadata.model_validate(grant.resource)


def granted(made: OAuthClientProvider, memory: Memory, url: str) -> Grant:
    """What the client has now."""
    context, tokens = made.context, memory.tokens
    client = memory.client or context.client_info  # a client that is configured is never stored
    assert tokens is not None
    assert client is not None
    issuer = context.oauth_metadata.issuer if context.oauth_metadata is not None else None
    received = memory.received_at or time.time()
    # Issuers that say 0 or less mean nothing by it: such a token is used until it is refused.
    lifetime = min(tokens.expires_in, _LONGEST) if tokens.expires_in is not None and tokens.expires_in > 0 else None
    return Grant(
        url=url,
        issuer=str(issuer or context.auth_server_url or context.get_authorization_base_url(url)),
        client=client.model_dump(mode="json", exclude_none=True),
        server=_document(context.oauth_metadata),
        resource=_document(context.protected_resource_metadata),
        access_token=tokens.access_token,
        refresh_token=tokens.refresh_token,
        scope=tokens.scope,
        expires_at=None if lifetime is None else received + lifetime,
        lifetime=lifetime,
    )


def _document(model: OAuthMetadata | ProtectedResourceMetadata | None) -> dict[str, object] | None:
    return None if model is None else model.model_dump(mode="json", exclude_none=True)

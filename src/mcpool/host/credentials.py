"""Who has the access token for a connection, wherever it begins."""

from __future__ import annotations

from collections.abc import Collection

from mcpool.catalog.identity import HttpIdentity
from mcpool.config.server import Http, Pairs, ServerConfig
from mcpool.oauth.grant import grant_place
from mcpool.oauth.sign_in import SignIns
from mcpool.wire.credentials import Credentials


def has_own(identity: HttpIdentity, headers: Collection[str]) -> bool:
    """Whether what is sent there signs it in: one of these headers, or one that the executor completes."""
    return "authorization" in headers or any(name == "authorization" for name, _, _ in identity.completed)


def credentials_for(
    server: ServerConfig, identity: HttpIdentity, headers: Pairs, sign_ins: SignIns
) -> Credentials | None:
    """For a connection with these headers, their names in lower case; None: it is signed in by what it has."""
    transport = server.transport
    assert isinstance(transport, Http)
    if transport.auth != "oauth" or has_own(identity, dict(headers)):
        return None
    if transport.oauth_grant_type == "client_credentials":
        return sign_ins.own(server.name, transport, server.environment_id, headers)
    place = grant_place(transport, identity.principal, server.environment_id)
    sign_in = sign_ins.of(server.name, place, transport.signs_in_by)
    sign_in.look_again()  # somebody may have signed in since the last connection
    return sign_in

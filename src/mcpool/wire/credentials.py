"""What a link to an endpoint asks of whoever keeps the credentials for it."""

from __future__ import annotations

from typing import Protocol

from mcpool.errors import AuthRequired


class Credentials(Protocol):
    """Access tokens for one endpoint, on behalf of one principal."""

    async def token(self) -> str | None:
        """One that is good, renewed if it is about to expire; None if nobody has signed in.

        Raises:
            ServerUnavailable: it should be renewed, and whoever renews it cannot be reached now.
        """
        ...

    async def instead_of(self, refused: str | None) -> str | None:
        """Another one, now that the server has refused this one; None if there is none without a person.

        Raises:
            ServerUnavailable: as for `token`.
        """
        ...

    def required(self) -> AuthRequired:
        """The error that says what a person has to do."""
        ...

    def lacking(self, scopes: tuple[str, ...]) -> AuthRequired:
        """The error that says what a person has to do, now that the token does not cover what these stand for."""
        ...

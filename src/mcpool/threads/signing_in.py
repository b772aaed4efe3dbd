"""What a thread needs of whoever can have a person sign in to its servers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol

from mcpool.errors import ConfigError
from mcpool.runtime.runtime import Binding

PATIENCE = 600.0
"""Seconds that a person may take."""

Show = Callable[[str], Awaitable[None]]
"""Has a person visit a URL in their browser; it need not wait for what they do there."""


class SigningIn(Protocol):
    """Signs persons in."""

    async def __call__(self, binding: Binding, show: Show, scopes: tuple[str, ...]) -> None:
        """Have a person sign in to the server of a binding, keep what comes of it, and have its connections use that.

        Raises: as `Thread.sign_in`.
        """
        ...


async def nobody_signs_in(binding: Binding, show: Show, scopes: tuple[str, ...]) -> None:
    """For hosts whose servers are those of the daemon. Raises: ConfigError, always."""
    what = "an attached host uses the servers of the daemon"
    raise ConfigError([f"{what}; `mcpool auth {binding.config.name}` signs in to this one"])

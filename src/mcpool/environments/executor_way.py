"""The way through an executor for what has to do with signing in: by whatever connection to it there is just then."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from mcpool.environments.session import Session
from mcpool.errors import EnvironmentUnavailable
from mcpool.oauth.way import Way

if TYPE_CHECKING:
    from httpx2 import AsyncBaseTransport


def through(environment: str, session: Callable[[str], Session]) -> Way:
    """The way from there. `session` gives the connection of the moment (`Environments.session`)."""

    def transport() -> AsyncBaseTransport:
        import httpx2

        from mcpool.environments.executor_http import ExecutorTransport
        from mcpool.oauth.asking import Unusable

        class Through(httpx2.AsyncBaseTransport):
            async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
                try:
                    there = ExecutorTransport(session(environment))
                except EnvironmentUnavailable as error:
                    raise Unusable(str(error)) from None
                try:
                    return await there.handle_async_request(request)
                except httpx2.TransportError as error:
                    what = f"it could not be reached from the environment `{environment}` ({type(error).__name__})"
                    raise Unusable(what) from None

        return Through()

    return Way(transport, environment)

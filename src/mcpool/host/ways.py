"""The ways to the network of one host: its own, and those through its executors."""

from __future__ import annotations

from collections.abc import Mapping

from mcpool.config.server import LOCAL
from mcpool.environments.executor_way import through
from mcpool.environments.registry import Environments
from mcpool.oauth.way import Way, Ways, from_here
from mcpool.wire.http import proxy_for


def ways_of(environments: Environments, environ: Mapping[str, str]) -> Ways:
    """The way from each environment; `environ` names this machine's own proxies."""
    here = from_here(lambda url: proxy_for(url, environ))

    def way(environment: str) -> Way:
        return here if environment == LOCAL else through(environment, environments.session)

    return way

"""A projector that a test changes by hand."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from mcpool.catalog.connector import Connector
from mcpool.catalog.contribution import Contribution
from mcpool.catalog.projection import Projection, resolve
from mcpool.config.server import ServerConfig
from mcpool.threads.facts import ThreadFacts


@dataclass
class Everybody:
    """What all sources contribute, and which environments are there."""

    contributions: list[Contribution] = field(default_factory=list[Contribution])
    environments: dict[str, int] = field(default_factory=dict[str, int])
    connectors: list[Connector] = field(default_factory=list[Connector])

    def resolved(self) -> Projection:
        return resolve(self.contributions, environments=self.environments, connectors=self.connectors).projection

    async def project(self, servers: Sequence[ServerConfig], thread: ThreadFacts) -> Projection:
        await asyncio.sleep(0.01)  # as if it read files
        return self.resolved()

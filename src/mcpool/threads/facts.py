"""What is fixed about a thread, and what is resolved from it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from mcpool.backend.holder import ClientFacts
from mcpool.catalog.connector import Connector
from mcpool.config.server import ApprovalMode, ServerConfig
from mcpool.plugins.root import CapabilityRoot
from mcpool.runtime.projected import Projected


@dataclass(frozen=True, slots=True, weakref_slot=True)
class ThreadFacts:
    """One conversation, as far as its servers depend on it."""

    id: str
    root: str
    """Names its session tree, of which the sub-agents of a thread are; no other tree ever has this name."""
    conversation: str
    """Names whose processes it uses where servers have one for each thread: its own, or those of the thread that it was
    opened beside."""
    parent: str | None
    cwd: str
    principal: str
    client: ClientFacts
    only: frozenset[str] | None = None
    """The names of the servers that it uses; None: all."""
    servers: tuple[ServerConfig, ...] = ()
    """What whoever opened it contributes."""
    roots: tuple[CapabilityRoot, ...] = ()
    """The folders that were chosen for it, for what is in them."""


class Projector(Protocol):
    """Resolves what contributes servers to a thread."""

    async def project(self, servers: Sequence[ServerConfig], thread: ThreadFacts) -> Projected:
        """Resolve it for one thread; `servers` is the configuration, disabled ones included.

        It may do I/O. It is called inside the thread's gate, never twice at a time for one thread, and may be
        cancelled. What it raises ends the refresh, which is then tried again with the thread's next step.
        """
        ...


@dataclass(frozen=True, slots=True)
class ConfiguredServers:
    """The projection of a thread to which nothing but the configuration contributes."""

    servers: tuple[ServerConfig, ...]
    restriction: ApprovalMode | None = None
    connectors: tuple[Connector, ...] = ()
    plugins: Mapping[str, str] = field(default_factory=dict[str, str])
    chosen: Collection[str] = ()
    absent: Mapping[str, str] = field(default_factory=dict[str, str])


class ConfigurationAlone:
    """Resolves to the enabled servers of the configuration that the thread uses."""

    async def project(self, servers: Sequence[ServerConfig], thread: ThreadFacts) -> Projected:
        """Resolve it, without any I/O."""
        return ConfiguredServers(
            tuple(
                server for server in servers if server.enabled and (thread.only is None or server.name in thread.only)
            )
        )

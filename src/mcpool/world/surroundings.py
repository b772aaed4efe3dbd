"""What a model can be told about its surroundings at one moment. Plain values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

EnvironmentStatus = Literal["ready", "pending", "disconnected", "unknown"]


@dataclass(frozen=True, slots=True)
class EnvironmentFacts:
    """A place where processes and files live."""

    status: EnvironmentStatus
    cwd: str | None = None
    shell: str | None = None


@dataclass(frozen=True, slots=True)
class ServerFacts:
    """A server whose tools the model can call, or will be able to."""

    tools: int | None
    """How many it shows; None while it is still starting."""
    about: str = ""
    """What the server says of itself: its instructions."""
    lost: int = 0
    """How often, since the thread began, its process took along what it kept in memory."""


@dataclass(frozen=True, slots=True)
class SkillFacts:
    """A bundle of instructions that the model may read."""

    description: str
    path: str
    environment: str | None = None
    """Where it lives; None: on the host."""


@dataclass(frozen=True, slots=True)
class SkillText:
    """The whole of a skill that the user named."""

    text: str = field(repr=False)
    path: str


@dataclass(frozen=True, slots=True)
class PluginFacts:
    """A bundle of skills, servers and connectors."""

    description: str = ""
    servers: tuple[str, ...] = ()
    skills: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ConnectorFacts:
    """An application reached through the host's connector server."""

    name: str
    description: str = ""
    tools: int = 0


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Everything, by stable names. None: this host has no such thing, and nothing is said of it."""

    environments: Mapping[str, EnvironmentFacts] | None = None
    servers: Mapping[str, ServerFacts] | None = None
    skills: Mapping[str, SkillFacts] | None = None
    mentioned: Mapping[str, SkillText] | None = None
    """The skills that the user named so far."""
    plugins: Mapping[str, PluginFacts] | None = None
    connectors: Mapping[str, ConnectorFacts] | None = None
    more: Mapping[str, object] = field(default_factory=dict[str, object])
    """What extensions of the embedding program add, by their own names, for sections of their own."""

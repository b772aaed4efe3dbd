"""What all contributions resolve to. Pure.

A projection is a plain value: while it stays equal, nothing that a thread uses has changed, whatever else did. It holds
the winning servers, their owners, the environments that they are bound to, and the connectors; it does not hold which
environments are there that no server is bound to.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from mcpool.catalog.connector import Connector
from mcpool.catalog.contribution import FIRST_COUNTS, Contribution, Owner, Source
from mcpool.config.server import LOCAL, ApprovalMode, ServerConfig

_PLUGINS = frozenset({Source.PLUGIN, Source.SELECTED_PLUGIN})
_CHOSEN = frozenset({Source.SELECTED_PLUGIN, Source.CONNECTOR})

Refusal = Callable[[Contribution], str | None]
"""Why a server may not be used here, by the rules of this machine's administrator; None: it may."""


@dataclass(frozen=True, slots=True)
class Bound:
    """The environment that a server runs in, where that is not this machine."""

    environment: str
    handle: int | None
    """Which connection to it is meant: one that was lost and attached anew is another. None: it is not available."""


@dataclass(frozen=True, slots=True)
class Winner:
    """The one definition of a name that counts, of a server that is enabled."""

    server: ServerConfig
    owner: Owner
    bound: Bound | None = None
    """None: it runs on this machine."""

    @property
    def available(self) -> bool:
        """Whether the place that it runs in is there."""
        return self.bound is None or self.bound.handle is not None


@dataclass(frozen=True, slots=True)
class Projection:
    """What one thread has (`mcpool.runtime.projected.Projected`)."""

    winners: tuple[Winner, ...] = ()
    connectors: tuple[Connector, ...] = ()
    restriction: ApprovalMode | None = None
    """An approval mode that the administrator wants to hold for every tool, besides every other."""

    @property
    def servers(self) -> tuple[ServerConfig, ...]:
        """The servers that can be used now, in the order in which they were first contributed."""
        return tuple(winner.server for winner in self.winners if winner.available)

    @property
    def absent(self) -> dict[str, str]:
        """The servers that cannot be used just now because of where they are to run, and why."""
        return {
            winner.server.name: f"{_not_there(winner.server)}; `mcpool env list` says how that does"
            for winner in self.winners
            if not winner.available
        }

    @property
    def plugins(self) -> dict[str, str]:
        """By server: the plugin that contributed it, for those that one did."""
        return {winner.server.name: winner.owner.name for winner in self.winners if winner.owner.source in _PLUGINS}

    @property
    def chosen(self) -> frozenset[str]:
        """The servers that were chosen for this very thread."""
        return frozenset(winner.server.name for winner in self.winners if winner.owner.source in _CHOSEN)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one name: for `explain`, and for reporting conflicts."""

    name: str
    winner: Contribution
    losers: tuple[Contribution, ...]
    """Those that counted less, the one that would count next first."""
    off: str | None
    """Why it is not used; None: it is."""

    @property
    def conflicts(self) -> tuple[Contribution, ...]:
        """Losers that came from the same source as the winner, and meant something else by the name."""
        return tuple(
            loser
            for loser in self.losers
            if loser.owner.source is self.winner.owner.source and loser.server != self.winner.server
        )


@dataclass(frozen=True, slots=True)
class Resolution:
    """A projection, and how it came about."""

    projection: Projection
    verdicts: tuple[Verdict, ...]


def resolve(
    contributions: Sequence[Contribution],
    *,
    environments: Mapping[str, int] | None = None,
    connectors: Iterable[Connector] = (),
    refusal: Refusal = lambda contribution: None,
    restriction: ApprovalMode | None = None,
) -> Resolution:
    """Resolve all contributions, in the order in which they were made, for one thread.

    `environments` are those that are available, each with the number of the connection to it. A disabled winner is a
    veto: nobody else may use the name. Only a disabled server of a selected plugin is as if it were not there.
    """
    ready = environments or {}
    by_name: dict[str, list[Contribution]] = {}
    for contribution in contributions:
        by_name.setdefault(contribution.server.name, []).append(contribution)
    winners: list[Winner] = []
    verdicts: list[Verdict] = []
    for name, claims in by_name.items():
        ranked = claims if len(claims) == 1 else _ranked(claims)
        winner = ranked[0]
        server = winner.server
        off = _off(winner, refusal)
        if off is None:
            bound = None
            if server.environment_id != LOCAL:
                bound = Bound(server.environment_id, ready.get(server.environment_id))
                if bound.handle is None:
                    off = _not_there(server)
            winners.append(Winner(server, winner.owner, bound))
        verdicts.append(Verdict(name, winner, tuple(ranked[1:]), off))
    return Resolution(Projection(tuple(winners), _snapshot(connectors), restriction), tuple(verdicts))


def _not_there(server: ServerConfig) -> str:
    return f"its environment `{server.environment_id}` is not available"


def _ranked(claims: Sequence[Contribution]) -> list[Contribution]:
    """The one that counts first, and so on."""

    def rank(numbered: tuple[int, Contribution]) -> tuple[bool, int, int]:
        number, claim = numbered
        source = claim.owner.source
        absent = source is Source.SELECTED_PLUGIN and not claim.server.enabled
        return (absent, -source, number if source in FIRST_COUNTS else -number)

    return [claim for _, claim in sorted(enumerate(claims), key=rank)]


def _off(winner: Contribution, refusal: Refusal) -> str | None:
    if not winner.server.enabled:
        return f"it is disabled by {winner.owner}"
    return refusal(winner)


def _snapshot(connectors: Iterable[Connector]) -> tuple[Connector, ...]:
    """Each once, by id; the plugin that named it first counts."""
    found: dict[str, Connector] = {}
    for connector in connectors:
        found.setdefault(connector.id, connector)
    return tuple(sorted(found.values()))

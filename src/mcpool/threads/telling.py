"""What the model of one thread is told of the world: what it was told, and what a step makes of that."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import replace

from mcpool.runtime.step import Step
from mcpool.threads.facts import ThreadFacts
from mcpool.threads.kept import Kept
from mcpool.world.section import Section
from mcpool.world.surroundings import ServerFacts, Surroundings
from mcpool.world.tools import losses_told
from mcpool.world.world_state import News, WorldState

logger = logging.getLogger("mcpool")

Around = Callable[[ThreadFacts], Surroundings]
"""What surrounds a thread besides its servers, at this moment."""


def nothing_else(thread: ThreadFacts) -> Surroundings:
    """There are servers, and nothing else to tell of."""
    return Surroundings()


class Telling:
    """Tells one thread's model everything once."""

    def __init__(self, sections: Sequence[Section], kept: Kept | None = None) -> None:
        """`kept`: what the thread was told in a host before this one, with which the processes of that are gone."""
        self.world = WorldState(sections)
        self._losses: Counter[str] = Counter()
        if kept is not None:
            self.world.restore([kept.world])
            self._losses.update(losses_told(kept.world))
            self._losses.update(kept.ran)

    def lost(self, servers: Iterable[str]) -> None:
        """These servers lost what their processes had in memory."""
        self._losses.update(servers)

    @property
    def untold(self) -> set[str]:
        """The servers that lost something of which the model was not told yet."""
        told = losses_told(self.world.told)
        return {name for name, losses in self._losses.items() if losses > told.get(name, 0)}

    def news(self, step: Step, around: Surroundings, retained: Collection[str] | None) -> News:
        """What is to be told with this step. See `WorldState.tell`."""
        shown = Counter(tool.server for tool in step.tools.values())
        of_connectors = Counter(tool.connector.id for tool in step.tools.values() if tool.connector is not None)
        connectors = around.connectors and {
            id: replace(facts, tools=of_connectors[id]) for id, facts in around.connectors.items()
        }
        pending = set(step.tools.pending)
        servers = {
            name: ServerFacts(
                tools=None if name in pending else shown[name],
                about="" if (session := binding.lease.backend.session) is None else session.instructions or "",
                lost=self._losses[name],
            )
            for name, binding in step.bindings.items()
        }
        news = self.world.tell(replace(around, servers=servers, connectors=connectors), retained=retained)
        for warning in news.warnings:
            logger.warning("%s", warning)
        return news

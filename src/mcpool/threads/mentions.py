"""What the user named in one conversation: servers that the next step waits for, skills whose text the model gets."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping

from mcpool.plugins.mention import named_in
from mcpool.threads.facts import ThreadFacts
from mcpool.world.surroundings import SkillText

MOST = 16
"""Skills of one conversation whose text is kept, to be told again if it left the history; the newest."""

ReadSkills = Callable[[ThreadFacts, Collection[str]], Awaitable[Mapping[str, SkillText]]]
"""Reads those skills of a thread that are called so, by their whole names. It passes other names over, and never raises
for a skill that cannot be read."""


async def no_skills(thread: ThreadFacts, names: Collection[str]) -> Mapping[str, SkillText]:
    """There are none."""
    return {}


class Mentions:
    """Of one thread."""

    def __init__(self, read: ReadSkills, known: Mapping[str, SkillText]) -> None:
        """`known` are those that were named before."""
        self._read = read
        self._names: set[str] = set()
        self._skills = dict(known)

    @property
    def skills(self) -> Mapping[str, SkillText]:
        """The skills that were named so far."""
        return self._skills

    def forget_absent(self, present: Collection[str]) -> None:
        """A skill that is not among these went, with its environment say: named again, it is told again."""
        for name in [name for name in self._skills if name not in present]:
            del self._skills[name]

    def add(self, *names: str) -> None:
        """The user named these."""
        self._names.update(names)

    def add_from(self, text: str) -> None:
        """The user said this."""
        self._names.update(named_in(text))

    def pending(self, more: Collection[str] = ()) -> frozenset[str]:
        """What was named, and `more`, and did not have its effect yet."""
        return frozenset(self._names.union(more))

    async def read(self, thread: ThreadFacts, names: Collection[str]) -> None:
        """Read the skills among these."""
        if not names:
            return
        for name, skill in (await self._read(thread, names)).items():
            self._skills.pop(name, None)
            self._skills[name] = skill
        while len(self._skills) > MOST:
            del self._skills[next(iter(self._skills))]

    def done(self, names: Collection[str]) -> None:
        """These had their effect."""
        self._names.difference_update(names)

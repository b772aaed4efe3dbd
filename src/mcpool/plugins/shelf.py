"""What roots hold, read when somebody wants it and kept while it cannot have changed.

A root of another environment is read once for each thread and each connection to that environment: what stands there
belongs to the thread's work. On this machine everything is read again when somebody says that files changed.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Protocol
from weakref import WeakKeyDictionary

from mcpool.config.problem import Problem
from mcpool.config.server import LOCAL
from mcpool.environments.files import Files, LocalFiles
from mcpool.errors import ConfigError
from mcpool.plugins.contents import Contents, Skill, with_spared
from mcpool.plugins.installed import InstalledPlugins
from mcpool.plugins.placement import Placement
from mcpool.plugins.reading import read_body, read_root
from mcpool.plugins.root import CapabilityRoot
from mcpool.plugins.telling import skill_called, skills_of, surroundings_of
from mcpool.world.surroundings import SkillText, Surroundings

logger = logging.getLogger("mcpool")

READ_MOST = 20.0
"""Seconds for reading one root."""


class Places(Protocol):
    """Where files are."""

    def handles(self) -> Mapping[str, int]:
        """The environments that are available, each with the number of the connection to it."""
        ...

    def files(self, environment: str) -> Files:
        """The files of an environment; those of this machine are always there. Raises: ConnectionError, KeyError."""
        ...


class OnlyHere:
    """There is this machine, and nothing else (`Places`)."""

    def __init__(self) -> None:
        self._files = LocalFiles()

    def handles(self) -> Mapping[str, int]:
        """There are no other environments."""
        return {}

    def files(self, environment: str) -> Files:
        """Those of this machine."""
        return self._files


class Shelf:
    """The contents of every root that is in use."""

    def __init__(self, places: Places, environ: Mapping[str, str], installed: InstalledPlugins | None) -> None:
        """`environ`: the variables of this machine that plugins of this machine may refer to; `installed` may be None,
        which is as if there were none."""
        self._places = places
        self._environ = environ
        self._installed = installed
        self._read: WeakKeyDictionary[object, dict[CapabilityRoot, tuple[int, Contents]]] = WeakKeyDictionary()
        self.here: tuple[Contents, ...] = ()
        """What `installed` found last."""
        self._read_at = -1
        self._reading = asyncio.Lock()
        self._age = 0
        self._present: WeakKeyDictionary[object, tuple[Contents, ...]] = WeakKeyDictionary()

    async def selected(
        self, thread: object, roots: Sequence[CapabilityRoot], handles: Mapping[str, int]
    ) -> tuple[Contents, ...]:
        """Those of a thread's roots whose environment is there, in their order."""
        if not roots:
            return ()
        known = self._read.setdefault(thread, {})

        async def one(root: CapabilityRoot) -> Contents | None:
            handle = self._age if root.environment == LOCAL else handles.get(root.environment)
            if handle is None:
                return None
            before, contents = known.get(root, (None, None))
            if contents is None or before != handle:
                contents, final = await self._bounded(
                    root.id, root.environment, root.path, self._placement(root), contents
                )
                if final:
                    known[root] = (handle, contents)
            return contents

        found = await asyncio.gather(*map(one, dict.fromkeys(roots)))
        present = self._present[thread] = tuple(contents for contents in found if contents is not None)
        return present

    async def installed(self) -> tuple[Contents, ...]:
        """Those of the plugins that are installed here, in their order."""
        if self._installed is None or self._read_at == self._age:
            return self.here
        async with self._reading:  # all threads want them at the same time
            if self._read_at != self._age:
                age = self._age
                self.here = await self._read_installed(self._installed)
                self._read_at = age
        return self.here

    def present(self, thread: object) -> tuple[Contents, ...]:
        """What `selected` found last."""
        return self._present.get(thread, ())

    async def texts(self, thread: object, names: Collection[str]) -> dict[str, SkillText]:
        """The skills that these names call, of the thread's own and of all, by their whole names, each with its text.

        In the place of one that cannot be read stands why. Other names are passed over.
        """
        several = (*self.present(thread), *self.here)
        roots = {skill.name: contents.root for contents in reversed(several) for skill in contents.skills}
        skills = skills_of(several)
        called = dict.fromkeys(skill for name in names if (skill := skill_called(name, skills)) is not None)
        texts = await asyncio.gather(*(self._text(skill, roots[skill.name]) for skill in called))
        return {skill.name: SkillText(text, skill.path) for skill, text in zip(called, texts, strict=True)}

    def forget(self) -> None:
        """Files of this machine changed: read them again."""
        self._age += 1

    @property
    def files(self) -> frozenset[Path]:
        """What of this machine is to be watched."""
        roots = (contents for known in self._read.values() for root, (_, contents) in known.items() if _is_here(root))
        found = {Path(file) for contents in (*self.here, *roots) for file in contents.files}
        return frozenset(found if self._installed is None else found | {self._installed.record})

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What is wrong with any of it."""
        present = (contents for found in self._present.values() for contents in found)
        return tuple(dict.fromkeys(problem for one in (*self.here, *present) for problem in one.problems))

    def surroundings(self, thread: object) -> Surroundings:
        """What there is to tell a thread of."""
        return surroundings_of(self.present(thread), self.here)

    # ------------------------------------------------------------------ within

    async def _read_installed(self, installed: InstalledPlugins) -> tuple[Contents, ...]:
        try:
            plugins = await asyncio.to_thread(installed.all)
        except ConfigError as error:
            problem = Problem("error", str(installed.record), None, "", "has no effect", str(error))
            logger.error("%s", problem)
            return (Contents("", problems=(problem,)),)
        before = {contents.root: contents for contents in self.here}
        read = (
            self._bounded(
                plugin.name,
                LOCAL,
                str(plugin.folder),
                Placement(str(plugin.folder), None, self._environ, str(installed.data(plugin.name))),
                before.get(str(plugin.folder)),
            )
            for plugin in plugins
        )
        return tuple(contents for contents, _ in await asyncio.gather(*read))

    def _placement(self, root: CapabilityRoot) -> Placement:
        return Placement(root.path, root.environment, self._environ if _is_here(root) else {})

    async def _text(self, skill: Skill, root: str) -> str:
        try:
            async with asyncio.timeout(READ_MOST):
                return await read_body(self._places.files(skill.environment), root, skill.path)
        except (OSError, ValueError, KeyError) as error:
            return f"This skill could not be read: {_why(error)}"

    async def _bounded(
        self, id: str, environment: str, path: str, placement: Placement, before: Contents | None
    ) -> tuple[Contents, bool]:
        """What it holds, and whether it is worth keeping. `before`: what it held when it was read last."""
        contents, final = await self._read_in_time(id, environment, path, placement)
        if before is None:
            before = Contents(id)
        for problem in contents.problems:
            if problem not in before.problems:
                logger.warning("%s", problem)
        return (with_spared(contents, before) if environment == LOCAL else contents), final

    async def _read_in_time(self, id: str, environment: str, path: str, placement: Placement) -> tuple[Contents, bool]:
        try:
            async with asyncio.timeout(READ_MOST):
                return await read_root(self._places.files(environment), id, placement), True
        except (ConnectionError, TimeoutError, KeyError) as error:
            what = f"was not read: {_why(error)}"
            problem = Problem(
                "error",
                f"{environment}:{path}",
                None,
                "",
                what,
                "it is tried again with the next change, or by `mcpool apply`",
            )
            return Contents(id, path, problems=(problem,)), False


def _why(error: Exception) -> str:
    return str(error) or f"it took more than {READ_MOST:g} s"


def _is_here(root: CapabilityRoot) -> bool:
    return root.environment == LOCAL

"""The extensions of one host, in the order in which they were added."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from mcpool.config import Config
from mcpool.config.problem import Problem
from mcpool.config.server import ServerConfig
from mcpool.host.extension import Extension
from mcpool.world.section import Section


class Extensions:
    """Those that are there now, with their servers as read."""

    def __init__(self, given: Iterable[Extension], read: Callable[[Mapping[str, Any]], Config]) -> None:
        """`read` reads what an extension says of its servers."""
        self._read = read
        self._present: dict[str, tuple[Extension, Config]] = {}
        for extension in given:
            self.add(extension)

    def add(self, extension: Extension) -> None:
        """Take one in, or another version of it, as the last one. Raises: as `read`."""
        config = Config() if extension.servers is None else self._read(extension.servers)
        self._present.pop(extension.name, None)
        self._present[extension.name] = (extension, config)

    def remove(self, name: str) -> None:
        """Let one go. Raises: KeyError, if there is none of this name."""
        del self._present[name]

    @property
    def servers(self) -> dict[str, tuple[ServerConfig, ...]]:
        """By the name of the extension that contributes them."""
        return {name: config.servers for name, (_, config) in self._present.items()}

    @property
    def sections(self) -> tuple[Section, ...]:
        """Their sections of the world state."""
        return tuple(section for extension, _ in self._present.values() for section in extension.sections)

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What is wrong with their servers."""
        return tuple(problem for _, config in self._present.values() for problem in config.problems)


def sections_alone(servers: Mapping[str, Any]) -> Config:
    """Reads what extensions of a host that has no servers of its own say of theirs. Raises: ValueError, always."""
    raise ValueError("an attached host uses the servers of the daemon; its extensions can add sections only")

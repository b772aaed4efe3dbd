"""What somebody approved for a whole conversation. In memory only."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field

from mcpool.backend.tools import ToolDefinition
from mcpool.config.server import Http, ServerConfig, Stdio

MAX_KEPT = 1000
"""Approvals of one conversation; the oldest go first, and are asked for again."""


@dataclass(frozen=True, slots=True)
class ApprovalKey:
    """What an approval is for: this tool, as it is defined now, of this server, as it is configured now."""

    server: str
    transport: Stdio | Http = field(repr=False)
    tool: str
    digest: str


def approval_key(config: ServerConfig, definition: ToolDefinition) -> ApprovalKey:
    """The key of an approval of this tool."""
    return ApprovalKey(config.name, config.transport, definition.name, definition.digest)


class RememberedApprovals:
    """The approvals of one conversation. Threads that belong to it share them."""

    __slots__ = ("_kept", "_waiting")

    def __init__(self) -> None:
        self._kept: OrderedDict[ApprovalKey, None] = OrderedDict()
        self._waiting: dict[ApprovalKey, list[Callable[[], None]]] = {}

    def __contains__(self, key: ApprovalKey) -> bool:
        return key in self._kept

    def __len__(self) -> int:
        return len(self._kept)

    def __repr__(self) -> str:
        return f"<RememberedApprovals [{', '.join(f'{key.server}/{key.tool}' for key in self._kept)}]>"

    def add(self, key: ApprovalKey) -> None:
        """Remember one, and tell who waits for it."""
        self._kept[key] = None
        self._kept.move_to_end(key)
        if len(self._kept) > MAX_KEPT:
            self._kept.popitem(last=False)
        for told in list(self._waiting.get(key, ())):
            told()

    @contextmanager
    def waiting(self, key: ApprovalKey, told: Callable[[], None]) -> Generator[None]:
        """Call `told` if it is approved within the block."""
        self._waiting.setdefault(key, []).append(told)
        try:
            yield
        finally:
            self._waiting[key].remove(told)
            if not self._waiting[key]:
                del self._waiting[key]

    def clear(self) -> None:
        """Ask again for each."""
        self._kept.clear()

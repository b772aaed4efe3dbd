"""Which generation of each `thread`-scoped server a step has used: what such a process knew goes with it."""

from __future__ import annotations

from mcpool.backend.connection import Connection
from mcpool.errors import ToolChanged
from mcpool.runtime.runtime import Binding


class Generations:
    """What one step used, by server."""

    __slots__ = ("used",)

    def __init__(self) -> None:
        self.used: dict[str, int] = {}

    def check(self, binding: Binding, connection: Connection) -> None:
        """Refuse a connection that does not have what this step did to the one before.

        Raises:
            ToolChanged: the server was restarted after the step used it.
        """
        name = binding.config.name
        if self.used.get(name, connection.generation) != connection.generation:
            raise ToolChanged(name, "it was restarted after this step used it, and its state was lost")

    def note(self, binding: Binding, generation: int) -> None:
        """A call was sent to this generation; 0 means that nothing was sent to any."""
        if generation and binding.config.effective_scope == "thread":
            self.used[binding.config.name] = generation

"""What a step shares with the calls that are prepared in it."""

from __future__ import annotations

from mcpool.errors import Closed
from mcpool.runtime.call_gate import CallGate
from mcpool.runtime.generations import Generations
from mcpool.runtime.runtime import Runtime
from mcpool.runtime.user import User


class StepState:
    """The runtime that it pins, and what its calls have done so far."""

    __slots__ = ("_gate", "generations", "released", "runtime", "user")

    def __init__(self, runtime: Runtime, user: User) -> None:
        self.runtime = runtime
        self.user = user
        self.generations = Generations()
        self._gate: CallGate | None = None
        self.released = False
        """Whether the step has ended."""

    @property
    def gate(self) -> CallGate:
        """Which calls of the step run side by side."""
        if self._gate is None:
            self._gate = CallGate(self.user.id)
        return self._gate

    def ensure_open(self) -> None:
        """Raises: Closed, if the step has ended."""
        if self.released:
            raise Closed("this step has ended; begin another with `thread.step()`")

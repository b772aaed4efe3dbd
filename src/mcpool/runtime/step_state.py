"""What a step shares with the calls that are prepared in it."""

from __future__ import annotations

from mcpool.errors import Closed
from mcpool.runtime.call_gate import CallGate
from mcpool.runtime.generations import Generations
from mcpool.runtime.runtime import Runtime
from mcpool.runtime.user import User


class StepState:
    """The runtime that it pins, and what its calls have done so far."""

    __slots__ = ("gate", "generations", "released", "runtime", "user")

    def __init__(self, runtime: Runtime, user: User) -> None:
        self.runtime = runtime
        self.user = user
        self.generations = Generations()
        self.gate = CallGate(user.id)
        self.released = False
        """Whether the step has ended."""

    def ensure_open(self) -> None:
        """Raises: Closed, if the step has ended."""
        if self.released:
            raise Closed("this step has ended; begin another with `thread.step()`")

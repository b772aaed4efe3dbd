"""What becomes of a backend's sharing when its server asks questions: told to whoever shares it out."""

from __future__ import annotations

from typing import Protocol


class Sharing(Protocol):
    """Shares one backend among threads. The methods are called in the moment when it happens, and must not block."""

    @property
    def exclusive(self) -> bool:
        """Whether one thread alone ever uses this process: what it asks is asked of that thread."""
        ...

    @property
    def declines(self) -> bool:
        """Whether questions that do not name their call are declined, whoever may have caused them."""
        ...

    def asks(self) -> None:
        """The server asked, and did not say whom: only one thread's calls at a time make the next question certain."""
        ...

    def asks_unasked(self) -> None:
        """The server asked while it worked for nobody: only a process of their own makes it certain for each thread."""
        ...

    def moved(self) -> None:
        """Of a server that asks: a request was answered or a question settled, so somebody's turn may have come."""
        ...


class Unshared:
    """The sharing of a backend that one thread alone uses, or whose questions concern nobody."""

    exclusive = True
    declines = False

    def asks(self) -> None:
        """Nobody else is kept."""

    def asks_unasked(self) -> None:
        """It has its thread."""

    def moved(self) -> None:
        """Nobody waits."""

"""The seam between messages and what carries them: a link to one server process or endpoint.

The engine writes bytes to a `Link` and is told of bytes, end-of-stream and exit through a `Sink`. Everything above this
seam runs unchanged in simulation, over fake servers and virtual time.
"""

from __future__ import annotations

from typing import Protocol, runtime_checkable


class Sink(Protocol):
    """What a link reports, always from the event loop's thread, in the order in which it happened."""

    def on_bytes(self, data: bytes) -> None:
        """Bytes that the server wrote, in chunks of any size."""
        ...

    def on_eof(self) -> None:
        """The server closed its output. At most once; may come before, after or without `on_exit`."""
        ...

    def on_exit(self, status: int | None) -> None:
        """The server's process ended, or the endpoint is lost. Everything readable was delivered before.

        `status` is as in `subprocess`: the exit code, or minus the signal; None where there is no process.
        """
        ...


class Link(Protocol):
    """One live connection's lower end. Not reusable: a new connection is a new link."""

    @property
    def pid(self) -> int | None:
        """Process id of the server, None where it has none here."""
        ...

    @property
    def alive(self) -> bool:
        """False as soon as the process has exited or its input is closed, even before `on_exit` was delivered."""
        ...

    @property
    def sent(self) -> int:
        """How many of the bytes given to `write` have left this process so far."""
        ...

    @property
    def buffered(self) -> int:
        """How many bytes given to `write` wait because the server does not read."""
        ...

    def write(self, data: bytes) -> None:
        """Send bytes, in order, never blocking. After death it does nothing."""
        ...

    def last_words(self) -> str:
        """For error messages: the last lines that the server wrote to stderr or, where there is no process, what is
        wrong with the way to it. Empty if unknown."""
        ...

    async def close(self) -> None:
        """End it in good order (close input, wait, terminate, wait, kill) until no descendant of it is left.

        Safe to call twice and from any task; once begun it completes even if the caller is cancelled.
        """
        ...

    def kill(self) -> None:
        """End it at once, without waiting."""
        ...


@runtime_checkable
class Works(Protocol):
    """A link that can tell how much the processes behind it have worked."""

    def work_done(self) -> int:
        """A measure that grows with the processor time that they used and what they read, in hundredths of a second or
        so; 0 if unknown. Looks at the system afresh."""
        ...


@runtime_checkable
class Choosy(Protocol):
    """A link over which not every tool can be called."""

    def why_unusable(self, tool: str) -> str | None:
        """What is wrong with a tool of the last list for this transport, after "tool NAME": None if nothing is."""
        ...

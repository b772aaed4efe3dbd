"""What a fake server can do in place of an answer, or before it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

START: Final = "start"
"""Stands for the start of a process where a tool or a method can be named."""

END: Final = "end"
"""Stands for the end of a process where a message can be waited for."""


@dataclass(frozen=True, slots=True)
class Crash:
    """End the process, without an answer or, with `answered`, right after it. `words` go to stderr before."""

    status: int = 1
    words: str = ""
    answered: bool = False


@dataclass(frozen=True, slots=True)
class Hang:
    """Never answer. At a start: never answer anything."""


@dataclass(frozen=True, slots=True)
class Slow:
    """Answer as usual, so many seconds late. At a start: take the first message that late."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Ask:
    """Ask the user first (an elicitation by form). If it is accepted the tool runs; else it fails."""

    message: str = "Sure?"
    schema: Mapping[str, Any] = field(
        default_factory=lambda: {"type": "object", "properties": {"sure": {"type": "boolean"}}}
    )


@dataclass(frozen=True, slots=True)
class Refuse:
    """Answer with a JSON-RPC error."""

    code: int = -32603
    message: str = "refused"


@dataclass(frozen=True, slots=True)
class Garbage:
    """Write these bytes to stdout, then answer as usual."""

    data: bytes = b"no JSON at all\n"


Fault = Crash | Hang | Slow | Ask | Refuse | Garbage

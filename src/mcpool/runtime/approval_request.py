"""What somebody is asked before a call is sent, and what they can answer."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, get_args

import msgspec

from mcpool.backend.tools import Annotations, ToolDefinition
from mcpool.runtime.plain_text import plain, plain_arguments

ApprovalChoice = Literal["once", "session", "always", "deny"]
"""Allow this call; this tool in this conversation; for ever, which is written to the configuration; or don't."""

ONCE: tuple[ApprovalChoice, ...] = ("once", "deny")
"""The choices where nothing may be remembered."""

_MAX_NAME = 128
_MAX_TITLE = 200
_MAX_DESCRIPTION = 1000
_MAX_REASON = 500


@dataclass(frozen=True, slots=True)
class ApprovalAnswer:
    """The answer to an approval request. `reason` goes with `deny`, and is told to the model."""

    choice: ApprovalChoice
    reason: str = ""

    def __post_init__(self) -> None:
        if self.choice not in get_args(ApprovalChoice):
            raise ValueError(
                f"{self.choice!r} is no answer to an approval; there are {', '.join(get_args(ApprovalChoice))}"
            )

    def within(self, choices: tuple[ApprovalChoice, ...]) -> ApprovalAnswer:
        """The answer, or the nearest smaller one that was offered."""
        smaller: dict[ApprovalChoice, ApprovalChoice] = {"always": "session", "session": "once", "once": "deny"}
        choice = self.choice
        while choice not in choices and choice != "deny":
            choice = smaller[choice]
        return ApprovalAnswer(choice, plain(self.reason, _MAX_REASON))


@dataclass(frozen=True, slots=True)
class ApprovalRequest:
    """A call that somebody must approve before it is sent. `arguments` is raw JSON, exactly what will be sent.

    `title`, `description` and `text` can be shown as they are: they are short and hold no control characters.
    """

    server: str
    tool: str
    arguments: bytes = field(repr=False)
    annotations: Annotations
    title: str = ""
    description: str = field(default="", repr=False)
    choices: tuple[ApprovalChoice, ...] = ONCE
    """What can be answered; anything beyond counts as the nearest smaller one."""

    @property
    def text(self) -> str:
        """The question in one line, with every argument, each shortened."""
        tool = plain(self.tool, _MAX_NAME)
        title = f" ({self.title})" if self.title and self.title != tool else ""
        return f"Allow {self.server} to run `{tool}`{title} with {plain_arguments(self.arguments)}?"


class _Shown(msgspec.Struct):
    title: str | None = None
    description: str | None = None


def approval_request(
    server: str, definition: ToolDefinition, arguments: bytes, choices: tuple[ApprovalChoice, ...]
) -> ApprovalRequest:
    """The request for a call of this tool."""
    try:
        shown = msgspec.json.decode(definition.raw, type=_Shown)
    except (msgspec.DecodeError, UnicodeDecodeError):
        shown = _Shown()
    return ApprovalRequest(
        server=server,
        tool=definition.name,
        arguments=arguments,
        annotations=definition.annotations,
        title=plain(shown.title or definition.annotations.title or "", _MAX_TITLE),
        description=plain(shown.description or "", _MAX_DESCRIPTION),
        choices=choices,
    )

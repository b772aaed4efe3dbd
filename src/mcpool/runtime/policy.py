"""How a thread's calls are decided on. Part of the runtime: replaced as a whole, never changed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mcpool.config.server import ApprovalMode

if TYPE_CHECKING:
    from mcpool.runtime.user import ApprovalRequest

OnApprove = Callable[["ApprovalRequest"], bool | Awaitable[bool]]
"""Says whether a call may run. May be async."""


@dataclass(frozen=True, slots=True)
class Policy:
    """What is decided by, and what servers are told of it.

    A step has the policy of its runtime, and a prepared call that of its step: a later one neither loosens nor tightens
    what was prepared before, and no decision mixes two.
    """

    default_mode: ApprovalMode = "approve"
    """The approval mode of tools for which the configuration names none."""
    on_approve: OnApprove | None = None
    """Who is asked; None: the user, through an elicitation."""
    sandbox_state: bytes | None = field(default=None, repr=False)
    """What servers that want to know the thread's sandbox are told with each call, as JSON."""

"""How a thread's calls are decided on. Part of the runtime: replaced as a whole, never changed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace

from mcpool.config.server import ApprovalMode
from mcpool.runtime.approval import Authority, combined
from mcpool.runtime.approval_request import ApprovalAnswer, ApprovalRequest

OnApprove = Callable[[ApprovalRequest], "bool | ApprovalAnswer | Awaitable[bool | ApprovalAnswer | None] | None"]
"""Says whether a call may run: by a bool, or by an answer that holds for longer or gives a reason. None is no. May be
async."""


@dataclass(frozen=True, slots=True)
class Policy:
    """What is decided by, and what servers are told of it.

    A step has the policy of its runtime, and a prepared call that of its step: a later one neither loosens nor tightens
    what was prepared before, and no decision mixes two.
    """

    authority: Authority = field(default_factory=Authority)
    on_approve: OnApprove | None = None
    """Who is asked; None: the user, through an elicitation."""
    sandbox_state: bytes | None = field(default=None, repr=False)
    """What servers that want to know the thread's sandbox are told with each call, as JSON."""

    def restricted(self, mode: ApprovalMode | None) -> Policy:
        """The policy with a restriction more."""
        if mode is None:
            return self
        restriction = self.authority.restriction
        both = mode if restriction is None else combined(mode, restriction)
        return replace(self, authority=replace(self.authority, restriction=both))

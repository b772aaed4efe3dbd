"""Letting a call through: decided by the authority that it was prepared with, asked for where that says so."""

from __future__ import annotations

import msgspec

from mcpool.backend.holder import CallSink
from mcpool.backend.tools import ToolDefinition
from mcpool.errors import ApprovalDenied
from mcpool.runtime.approval import Verdict, decide, is_rememberable
from mcpool.runtime.policy import Policy
from mcpool.runtime.runtime import Binding
from mcpool.runtime.user import Approver


async def admit(
    approver: Approver,
    policy: Policy,
    binding: Binding,
    tool: ToolDefinition,
    arguments: bytes | msgspec.Raw,
    sink: CallSink | None,
) -> bool:
    """Return when the call may be sent, and whether somebody was asked for it. `tool` is the live definition.

    Raises:
        ApprovalDenied: it may not.
    """
    authority, server = policy.authority, binding.config
    match verdict(approver, policy, binding, tool):
        case "approved":
            return False
        case "denied":
            raise ApprovalDenied(
                server.name,
                f"the call of `{tool.name}` needs an approval, and this thread is set to ask nobody; nothing was sent; "
                f"""`approval_mode = "approve"` for the tool would let it run""",
            )
        case "ask":
            rememberable = is_rememberable(authority, tool.annotations)
            await approver.ask(
                server, tool, bytes(arguments), on_approve=policy.on_approve, sink=sink, rememberable=rememberable
            )
            return True


def verdict(approver: Approver, policy: Policy, binding: Binding, tool: ToolDefinition) -> Verdict:
    """What becomes of a call of a tool with this definition."""
    authority, hints = policy.authority, tool.annotations
    mode = binding.view.rule(tool.name).mode_for(tool, authority.default_mode)
    if decide(authority, mode, hints, remembered=False) == "approved":
        return "approved"
    return decide(authority, mode, hints, remembered=approver.remembers(binding.config, tool))

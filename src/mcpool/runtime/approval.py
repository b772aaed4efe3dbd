"""Must somebody approve this call? Pure."""

from __future__ import annotations

from mcpool.backend.tools import Annotations
from mcpool.config.server import ApprovalMode


def needs_approval(mode: ApprovalMode, hints: Annotations) -> bool:
    """Whether a call of a tool with these live annotations needs somebody's approval under this mode."""
    match mode:
        case "approve":
            return False
        case "prompt":
            return True
        case "writes":
            return hints.read_only_hint is not True
        case "auto":
            if hints.destructive_hint:
                return True
            if hints.read_only_hint:
                return False
            return hints.destructive_hint is None or hints.open_world_hint is not False

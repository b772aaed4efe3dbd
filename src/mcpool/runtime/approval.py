"""May this call run, or must somebody be asked first? Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from mcpool.backend.tools import Annotations, ToolDefinition
from mcpool.config.server import ApprovalMode

ApprovalPolicy = Literal["ask", "never", "full-access"]
"""What a thread does where a mode wants somebody to be asked: ask; ask nobody, so that it is denied; or let it run."""

Verdict = Literal["approved", "ask", "denied"]


_POLICIES: tuple[str, ...] = get_args(ApprovalPolicy)
_MODES: tuple[str, ...] = get_args(ApprovalMode)


@dataclass(frozen=True, slots=True)
class Authority:
    """By what a thread decides on calls. Immutable and captured whole: no decision mixes two of them."""

    policy: ApprovalPolicy = "ask"
    default_mode: ApprovalMode = "auto"
    """The mode of tools for which the configuration names none."""
    restriction: ApprovalMode | None = None
    """A mode that holds besides every other. What it wants asked no policy and no remembered approval lets run."""

    def __post_init__(self) -> None:
        given = ((self.policy, _POLICIES), (self.default_mode, _MODES), (self.restriction, (None, *_MODES)))
        for value, known in given:
            if value not in known:
                raise ValueError(f"{value!r} is not one of {', '.join(map(str, known))}")


@dataclass(frozen=True, slots=True)
class Rule:
    """What the configuration says of one tool."""

    mode: ApprovalMode | None = None
    definition: str | None = None
    """The digest of the definition for which `approve` holds; None: for any."""

    def mode_for(self, tool: ToolDefinition, default: ApprovalMode) -> ApprovalMode:
        """The mode of the tool as it is now. Approval of another definition than this one is a reason to ask."""
        if self.mode == "approve" and self.definition is not None and self.definition != tool.digest:
            return "prompt"
        return self.mode or default


def decide(authority: Authority, mode: ApprovalMode, hints: Annotations, *, remembered: bool) -> Verdict:
    """What becomes of a call of a tool with this mode and these live annotations.

    `remembered`: somebody approved this tool, as it is now, for this call too.
    """
    if not needs_approval(combined(mode, authority.restriction), hints):
        return "approved"
    if is_rememberable(authority, hints) and (remembered or authority.policy == "full-access"):
        return "approved"
    return "denied" if authority.policy == "never" else "ask"


def is_rememberable(authority: Authority, hints: Annotations) -> bool:
    """Whether an approval may hold for more than one call: not if a restriction wants each to be asked for."""
    return authority.restriction is None or not needs_approval(authority.restriction, hints)


def runs_unseen(authority: Authority, rule: Rule) -> bool:
    """Whether a tool may be called whatever its definition says, so that nobody has to look at it."""
    if authority.restriction not in (None, "approve"):
        return False
    if authority.policy == "full-access":
        return True
    return (rule.mode or authority.default_mode) == "approve" and rule.definition is None


def combined(mode: ApprovalMode, other: ApprovalMode | None) -> ApprovalMode:
    """One mode that asks whenever either of the two does."""
    if other is None or other in (mode, "approve"):
        return mode
    return other if mode == "approve" else "prompt"


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

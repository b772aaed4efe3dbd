"""An approval as an elicitation, for clients that speak MCP and have no callback: the question, and its answer."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from mcpool.runtime.approval_request import ApprovalAnswer, ApprovalChoice, ApprovalRequest
from mcpool.wire import params as wire_params
from mcpool.wire.envelope import one_line

MARK: Final = "mcpool/approval"
"""The key in `_meta` by which a client knows an approval from a server's own question."""

_MAX_ARGUMENTS = 64 * 1024
"""Bytes of arguments that go along whole; of larger ones only the text tells."""
_NAMES: Final[dict[ApprovalChoice, str]] = {
    "once": "Allow this call",
    "session": "Allow this tool in this session",
    "always": "Always allow this tool",
    "deny": "Don't allow",
}


class _Answer(msgspec.Struct):
    action: str = "decline"
    content: Any = None


def approval_question(request: ApprovalRequest) -> bytes:
    """The params of an `elicitation/create` that any client can show; one that looks into `_meta` can do better."""
    form = {
        "type": "object",
        "properties": {
            "decision": {
                "type": "string",
                "title": "Decision",
                "enum": request.choices,
                "enumNames": [_NAMES[choice] for choice in request.choices],
                "default": "once",
            },
            "reason": {"type": "string", "title": "Reason", "description": "If you don't: what to tell the model"},
        },
    }
    hints: dict[str, object] = msgspec.to_builtins(request.annotations)
    about: dict[str, object] = {
        "kind": "mcp_tool_call",
        "server": request.server,
        "tool": request.tool,
        "title": request.title,
        "description": request.description,
        "annotations": {name: value for name, value in hints.items() if value is not None},
        "choices": request.choices,
    }
    if len(request.arguments) <= _MAX_ARGUMENTS:
        about["arguments"] = msgspec.Raw(one_line(request.arguments))
    params = {"message": request.text, "requestedSchema": form, "_meta": {MARK: about}}
    return msgspec.json.encode(params)


def approval_answer(raw: bytes) -> ApprovalAnswer:
    """What the client answered. Nothing but a clear yes is one; accepting without a decision allows the one call."""
    try:
        answer = msgspec.json.decode(raw, type=_Answer)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return ApprovalAnswer("deny")
    content: dict[str, Any] = {} if answer.content is None else answer.content
    if answer.action != "accept" or not isinstance(content, dict):  # pyright: ignore[reportUnnecessaryIsInstance]
        return ApprovalAnswer("deny")
    reason = content.get("reason")
    match content.get("decision", "once"):
        case "once" | "session" | "always" as choice:
            return ApprovalAnswer(choice)
        case _:
            return ApprovalAnswer("deny", reason if isinstance(reason, str) else "")


def without_mark(params: bytes) -> bytes:
    """The params of a server's own question, which must not pass for an approval."""
    try:
        fields = wire_params.split(params)
        meta = wire_params.split(bytes(fields["_meta"]))
    except (KeyError, ValueError):
        return params
    meta.pop(MARK, None)
    fields["_meta"] = msgspec.Raw(wire_params.join(meta))
    return wire_params.join(fields)

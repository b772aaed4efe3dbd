"""An approval that a call needs, asked on the terminal."""

from __future__ import annotations

from typing import Any, cast

from mcpool.cli.ask_user import Read, Write
from mcpool.cli.words import say

MARK = "mcpool/approval"
"""The key in `_meta` of a question that is an approval; only the daemon itself can put it there."""


def approval_in(params: dict[str, Any]) -> dict[str, Any] | None:
    """What a question says of the call to approve; None if it is a server's own question."""
    meta = params.get("_meta")
    about = cast("dict[str, Any]", meta).get(MARK) if isinstance(meta, dict) else None
    return cast("dict[str, Any]", about) if isinstance(about, dict) else None


def approved() -> dict[str, Any]:
    """The answer that allows the one call."""
    return {"action": "accept", "content": {"decision": "once"}}


def ask_approval(params: dict[str, Any], about: dict[str, Any], *, read: Read, write: Write = say) -> dict[str, Any]:
    """Ask; returns an elicitation result. Whatever is not a yes is a no: Enter, too."""
    # A session is one call here, so that is not offered.
    always = "always" in cast("list[str]", about.get("choices") or [])
    write(f"\n{params.get('message')}\n")
    try:
        typed = read("  [y]es, [a]lways, [N]o: " if always else "  [y]es, [N]o: ").strip().lower()
    except EOFError:
        return {"action": "cancel"}
    if typed in ("y", "yes"):
        return approved()
    if always and typed in ("a", "always"):
        return {"action": "accept", "content": {"decision": "always"}}
    return {"action": "decline"}

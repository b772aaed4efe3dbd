"""Why a client that asks for a server by name can't have it. Pure."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence

from mcpool.config.problem import Problem
from mcpool.config.server import ServerConfig


def refusal(name: str, servers: Iterable[ServerConfig], problems: Sequence[Problem] = ()) -> str | None:
    """The reason, with what to do; None if the server is there."""
    found = {server.name: server.enabled for server in servers}
    if found.get(name):
        return None
    if name in found:
        return f"`{name}` is disabled; remove `enabled = false` from its configuration, then run `mcpool apply`"
    wrong = [problem for problem in problems if problem.concerns(name) and problem.severity == "error"]
    if wrong:
        return f"`{name}` is not configured properly: {'; '.join(map(str, wrong))}; then run `mcpool apply`"
    names = [name for name, enabled in found.items() if enabled]
    near = difflib.get_close_matches(name, names, 1)
    hint = f"did you mean `{near[0]}`? " if near else ""
    known = ", ".join(names) or "none; `mcpool import` takes over those of your other tools"
    return f"no server is named `{name}`; {hint}configured: {known}"

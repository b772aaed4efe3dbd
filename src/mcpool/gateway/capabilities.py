"""What clients say they can do, and what the gateway says that its servers can do. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, cast

import msgspec

from mcpool.backend.holder import ClientFacts, Root

_MAXIMUM: Mapping[str, Mapping[str, bool]] = {
    "tools": {"listChanged": True},
    "prompts": {"listChanged": True},
    "resources": {"subscribe": True, "listChanged": True},
    "logging": {},
    "completions": {},
}


class _Declared(msgspec.Struct):
    elicitation: dict[str, msgspec.Raw] | None = None
    sampling: dict[str, msgspec.Raw] | None = None
    roots: dict[str, msgspec.Raw] | None = None


class _Root(msgspec.Struct):
    uri: str
    name: str | None = None


class _Roots(msgspec.Struct):
    roots: list[_Root]


def client_facts(raw: bytes) -> tuple[ClientFacts, bool]:
    """Read a client's declared capabilities; returns with them whether it offers roots (they are asked for later).

    A declaration that cannot be read counts as empty.
    """
    try:
        declared = msgspec.json.decode(raw, type=_Declared)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return ClientFacts(), False
    elicitation = declared.elicitation
    facts = ClientFacts(
        elicitation_form=elicitation is not None and (not elicitation or "form" in elicitation),
        elicitation_url=elicitation is not None and "url" in elicitation,
        sampling=declared.sampling is not None,
        raw=raw,
    )
    return facts, declared.roots is not None


def read_roots(raw: bytes) -> tuple[Root, ...] | None:
    """The answer to `roots/list`; None if it is none."""
    try:
        roots = msgspec.json.decode(raw, type=_Roots).roots
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    return tuple(Root(root.uri, root.name) for root in roots)


def merged(servers: Iterable[Mapping[str, Any] | None]) -> dict[str, dict[str, bool]]:
    """The capabilities of all servers together.

    None stands for a server that did not come up in time: as it may have anything, everything is offered then.
    """
    known = list(servers)
    if not known or None in known:
        return {name: dict(flags) for name, flags in _MAXIMUM.items()}
    result: dict[str, dict[str, bool]] = {}
    for name, flags in _MAXIMUM.items():
        having = [server[name] for server in known if server is not None and server.get(name) is not None]
        if having:
            result[name] = {flag: True for flag in flags if any(_flag(value, flag) for value in having)}
    return result


def _flag(capability: object, flag: str) -> bool:
    return isinstance(capability, dict) and bool(cast("dict[str, object]", capability).get(flag))

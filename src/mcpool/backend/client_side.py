"""What we declare to a server as its client, and the answers that we give in a client's stead. Pure."""

from __future__ import annotations

import msgspec

from mcpool.backend.connection_leases import EXTENSION
from mcpool.backend.holder import ClientFacts, Root
from mcpool.config.server import ClientCapabilitiesMode

SAMPLING = "sampling/createMessage"
ROOTS = "roots/list"


def capability_class(mode: ClientCapabilitiesMode, client: ClientFacts) -> str:
    """The part of an identity that says what is declared to a handshake server: clients of one class may share it."""
    if mode != "mirror":
        return mode
    parts = [
        name
        for name, has in (
            ("form", client.elicitation_form),
            ("url", client.elicitation_url),
            ("sampling", client.sampling),
        )
        if has
    ]
    return "mirror:" + ",".join(parts)


def declared(capabilities: str, roots: tuple[str, ...] | None, *, leases: bool = False) -> bytes:
    """The capabilities, as JSON, that a handshake backend of this class declares; `leases`: those of threads too."""
    value: dict[str, object] = {}
    kinds = (
        {"form", "url", "sampling"} if capabilities == "all" else set(capabilities.removeprefix("mirror:").split(","))
    )
    if kinds & {"form", "url"}:
        value["elicitation"] = {kind: {} for kind in ("form", "url") if kind in kinds}
    if "sampling" in kinds:
        value["sampling"] = {}
    if roots is not None:
        value["roots"] = {"listChanged": False}
    if leases and capabilities == "all":
        value["extensions"] = {EXTENSION: {}}
    return msgspec.json.encode(value)


def lacking(method: str, params: bytes, client: ClientFacts) -> str | None:
    """Why this client cannot be asked this, or None if it can."""
    if method == SAMPLING:
        return None if client.sampling else "this client cannot be asked to sample a model"
    if method == ROOTS:
        return None if client.lists_roots else "this client offers no roots"
    mode = _elicitation_mode(params)
    if mode == "url":
        return None if client.elicitation_url else "this client cannot be asked to open a URL"
    return None if client.elicitation_form else "this client cannot be asked to fill in a form"


class _Elicitation(msgspec.Struct):
    mode: str = "form"


def _elicitation_mode(params: bytes) -> str:
    try:
        return msgspec.json.decode(params, type=_Elicitation).mode
    except msgspec.DecodeError:
        return "form"


def roots_result(roots: tuple[Root, ...]) -> bytes:
    """The answer to `roots/list`."""
    return msgspec.json.encode(
        {"roots": [{"uri": root.uri} if root.name is None else {"uri": root.uri, "name": root.name} for root in roots]}
    )

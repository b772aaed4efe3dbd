"""What a tool definition's `_meta` says of the connector that the tool belongs to. Pure.

Only the host's own server for connectors may say such a thing. It is taken out of what any other server says, before
anybody sees it: nobody can pass for a connector.
"""

from __future__ import annotations

import msgspec

from mcpool.wire import params

ID = "connector_id"
PLUGIN = "plugin_id"
"""Tells a server, in the `_meta` of a call, for which plugin it is made; `ID` tells it for which connector."""

_PREFIX = "connector"
_OTHER_KEYS = frozenset({"_codex_apps"})
_SIGNS = (b"onnector", b"codex_apps", b"\\")
"""Without one of these there is no such key; a key may be written with escapes."""


class Named(msgspec.Struct, frozen=True):
    """The connector of a tool."""

    id: str = msgspec.field(name=ID)
    name: str | None = msgspec.field(default=None, name="connector_name")
    display_name: str | None = msgspec.field(default=None, name="connector_display_name")
    description: str | None = msgspec.field(default=None, name="connector_description")


class _Meta(msgspec.Struct):
    meta: msgspec.Raw = msgspec.field(name="_meta")


def named(definition: bytes) -> Named | None:
    """The connector that the definition names; None if it names none, or none that can be read."""
    if _SIGNS[0] not in definition and _SIGNS[2] not in definition:
        return None
    try:
        return msgspec.json.decode(msgspec.json.decode(definition, type=_Meta).meta, type=Named)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def stripped(definition: bytes) -> bytes:
    """The definition without a word of connectors: byte for byte the same if there was none."""
    if not any(sign in definition for sign in _SIGNS):
        return definition
    try:
        fields = params.split(definition)
        meta = params.split(bytes(fields["_meta"]))
        kept = {key: part for key, part in meta.items() if not _is_ours(key)}
        if len(kept) == len(meta):
            return definition
        fields["_meta"] = msgspec.Raw(params.join(kept))
        return params.join(fields)
    except (KeyError, ValueError):  # no `_meta` that could be read by anybody
        return definition


def _is_ours(key: str) -> bool:
    return key.lower().startswith(_PREFIX) or key in _OTHER_KEYS

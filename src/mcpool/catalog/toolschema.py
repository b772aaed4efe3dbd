"""Tool definitions as a model is shown them, and what of a definition a decision depends on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import cast

from mcpool.catalog.schema_cleaning import clean
from mcpool.catalog.schema_compaction import compact

_DECIDING_FIELDS = ("name", "description", "inputSchema", "annotations")


def for_model(schema: Mapping[str, object]) -> dict[str, object]:
    """An input schema that any model provider takes: an object schema of common keywords, compacted if very large.

    The result is a new value; `schema` may be anything that a server sent.
    """
    return compact(clean(schema))


def definition_digest(tool: bytes) -> str:
    """SHA-256 in hex over what decisions about a tool use: its name, description, input schema, annotations and
    `_meta.ui.visibility`. The order of keys, spacing and every other field are irrelevant.

    A definition that cannot be read is digested as it is, so that only an identical one equals it.
    """
    try:
        canonical = json.dumps(_relevant(json.loads(tool)), sort_keys=True, separators=(",", ":")).encode("ascii")
    except (ValueError, RecursionError):
        canonical = b"unreadable:" + tool
    return hashlib.sha256(canonical).hexdigest()


def is_model_visible(tool: bytes | Mapping[str, object]) -> bool:
    """Whether a model may be shown this tool: not if its `_meta.ui.visibility` leaves out `model`."""
    if isinstance(tool, bytes):
        try:
            decoded = cast("object", json.loads(tool))
        except (ValueError, RecursionError):
            return False
        if not isinstance(decoded, dict):
            return False
        tool = cast("dict[str, object]", decoded)
    visibility = _visibility(tool)
    return visibility is None or "model" in visibility


def _relevant(tool: object) -> object:
    if not isinstance(tool, dict):
        return tool
    definition = cast("dict[str, object]", tool)
    relevant = {name: definition[name] for name in _DECIDING_FIELDS if definition.get(name) is not None}
    visibility = _visibility(definition)
    if visibility is not None:
        relevant["visibility"] = visibility
    return relevant


def _visibility(tool: Mapping[str, object]) -> list[str] | None:
    """The audiences that the definition names, sorted, or None if it names none."""
    value = _entry(_entry(tool.get("_meta"), "ui"), "visibility")
    if isinstance(value, str):
        return [value]
    if isinstance(value, list):
        return sorted(str(item) for item in cast("list[object]", value))
    return None


def _entry(value: object, key: str) -> object:
    return cast("dict[str, object]", value).get(key) if isinstance(value, dict) else None

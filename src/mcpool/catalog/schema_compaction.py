"""Makes a very large input schema small, giving up the least useful first."""

from __future__ import annotations

import json
from typing import cast

from mcpool.catalog.schema_cleaning import Schema, subschemas, walk

MAX_BYTES = 5_000
_MAX_DEPTH = 3
_COMPOSITIONS = ("allOf", "anyOf", "oneOf", "not")


def compact(schema: Schema) -> Schema:
    """`schema` itself if it has at most 5,000 bytes as JSON; else without descriptions, then without definitions, then
    cut below the third level, then without compositions: no more of these than it takes. Changes `schema` in place."""
    for shorten in (_strip_descriptions, _drop_definitions, _collapse, _prune_compositions):
        if _size(schema) <= MAX_BYTES:
            break
        shorten(schema)
    return schema


def _size(schema: Schema) -> int:
    return len(json.dumps(schema, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "surrogatepass"))


def _strip_descriptions(root: Schema) -> None:
    def visit(schema: Schema) -> None:
        schema.pop("description", None)
        schema.pop("examples", None)

    walk(root, visit)


def _drop_definitions(root: Schema) -> None:
    """Every reference goes with them: also one into `properties`, which the next steps may cut."""

    def visit(schema: Schema) -> None:
        schema.pop("$ref", None)

    for keyword in ("$defs", "definitions"):
        root.pop(keyword, None)
    walk(root, visit)


def _collapse(root: Schema) -> None:
    level: list[object] = [root]
    for _ in range(_MAX_DEPTH):
        level = [child for schema in level if isinstance(schema, dict) for child in subschemas(cast("Schema", schema))]
    for schema in level:
        if isinstance(schema, dict):
            collapsed = cast("Schema", schema)
            kept = {"type": collapsed["type"]} if "type" in collapsed else {}
            collapsed.clear()
            collapsed.update(kept)


def _prune_compositions(root: Schema) -> None:
    def visit(schema: Schema) -> None:
        for keyword in _COMPOSITIONS:
            schema.pop(keyword, None)

    walk(root, visit)

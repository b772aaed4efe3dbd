"""Reduces a server's input schema to what every model provider understands."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import cast

Schema = dict[str, object]

MAX_DEPTH = 64
"""Deeper schemas are cut, so that a hostile one cannot exhaust the stack."""

_NUMBERS = (
    "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minLength", "maxLength",
    "minItems", "maxItems", "minProperties", "maxProperties",
)  # fmt: skip
_VALUES: Mapping[str, type | tuple[type, ...]] = {
    "type": (str, list),
    "description": str,
    "format": str,
    "pattern": str,
    "enum": list,
    "examples": list,
    "const": object,
    "default": object,
    "uniqueItems": bool,
} | dict.fromkeys(_NUMBERS, (int, float))
_COMPOSITIONS = ("allOf", "anyOf", "oneOf")
_DEFINITIONS = ("$defs", "definitions")


def clean(schema: Mapping[str, object]) -> Schema:
    """`schema` as an object schema: `properties` present, unknown keywords gone, references resolvable, and no
    composition at its root, where providers refuse one."""
    root = _schema(dict(schema), 0)
    for keyword in _DEFINITIONS:
        definitions = _named(schema.get(keyword), 1)
        if definitions:
            root[keyword] = definitions
    root = _drop_dangling(_fold_root(root))
    root["type"] = "object"
    root.setdefault("properties", {})
    return _drop_unreachable(root)


def references(node: object) -> set[str]:
    """Every `$ref` within `node`."""
    found: set[str] = set()
    walk(node, lambda schema: found.add(str(schema["$ref"])) if "$ref" in schema else None)
    return found


def walk(node: object, visit: Callable[[Schema], None]) -> None:
    """Call `visit` with each subschema of `node`, itself included, outermost first; never with data such as `enum`."""
    if not isinstance(node, dict):
        return
    schema = cast("Schema", node)
    visit(schema)
    for child in subschemas(schema):
        walk(child, visit)


def subschemas(schema: Schema) -> list[object]:
    """The schemas directly within `schema`, its definitions included."""
    children: list[object] = [schema[k] for k in ("items", "additionalProperties", "not") if k in schema]
    for keyword in ("properties", *_DEFINITIONS):
        children += cast("Schema", schema.get(keyword, {})).values()
    for keyword in (*_COMPOSITIONS, "prefixItems"):
        children += cast("list[object]", schema.get(keyword, []))
    return children


def _schema(value: object, depth: int) -> Schema:
    """A cleaned copy of one subschema; `true` and whatever is no schema become the schema that takes anything."""
    if not isinstance(value, dict) or depth > MAX_DEPTH:
        return {}
    schema = cast("Schema", value)
    cleaned: Schema = {k: v for k, v in schema.items() if _is_usable(k, v)}
    reference = schema.get("$ref")
    if isinstance(reference, str) and reference.startswith("#"):
        cleaned["$ref"] = reference
    if isinstance(schema.get("properties"), dict):
        cleaned["properties"] = _named(schema["properties"], depth + 1)
    required = schema.get("required")
    if isinstance(required, list):
        cleaned["required"] = [name for name in cast("list[object]", required) if isinstance(name, str)]
    additional = schema.get("additionalProperties")
    if additional is not None:
        cleaned["additionalProperties"] = additional if isinstance(additional, bool) else _schema(additional, depth + 1)
    items = schema.get("items")
    if isinstance(items, list):  # up to draft 2019-09
        schema = schema | {"prefixItems": cast("list[object]", items)}
    elif items is not None:
        cleaned["items"] = _schema(items, depth + 1)
    if isinstance(schema.get("not"), dict):
        cleaned["not"] = _schema(schema["not"], depth + 1)
    for keyword in (*_COMPOSITIONS, "prefixItems"):
        branches = schema.get(keyword)
        if isinstance(branches, list) and branches:
            cleaned[keyword] = [_schema(branch, depth + 1) for branch in cast("list[object]", branches)]
    return cleaned


def _is_usable(keyword: str, value: object) -> bool:
    """Whether this is a keyword that holds plain data, of the kind it must be (draft 4 had other kinds for some)."""
    if keyword not in _VALUES or not isinstance(value, _VALUES[keyword]):
        return False
    if keyword in _NUMBERS and isinstance(value, bool):
        return False
    return _is_shallow(value, MAX_DEPTH)


def _is_shallow(value: object, depth: int) -> bool:
    if isinstance(value, dict):
        value = list(cast("Schema", value).values())
    if not isinstance(value, list):
        return True
    return depth > 0 and all(_is_shallow(item, depth - 1) for item in cast("list[object]", value))


def _named(value: object, depth: int) -> dict[str, object]:
    """Cleaned copies of named subschemas; what is `false`, and so can never be given, is left out."""
    if not isinstance(value, dict):
        return {}
    return {name: _schema(sub, depth) for name, sub in cast("dict[str, object]", value).items() if sub is not False}


def _fold_root(root: Schema) -> Schema:
    """Put the properties of the root's `$ref` and compositions into the root itself.

    What every alternative demands stays required; that the alternatives exclude each other is lost, and the server
    will say so.
    """
    folded = {k: v for k, v in root.items() if k not in ("$ref", "not", "enum", "const", *_COMPOSITIONS)}
    parts: list[tuple[str, list[Schema]]] = []
    if "$ref" in root:
        parts.append(("allOf", [root]))
    parts += [(k, cast("list[Schema]", root[k])) for k in _COMPOSITIONS if k in root]
    properties = dict(cast("Schema", root.get("properties", {})))
    required = list(cast("list[str]", root.get("required", [])))
    for keyword, branches in parts:
        demands: list[list[str]] = []
        for branch in branches:
            target = _target(root, branch)
            for name, sub in cast("Schema", target.get("properties", {})).items():
                properties.setdefault(name, sub)
            demands.append(cast("list[str]", target.get("required", [])))
        every = {name for names in demands for name in names}
        if keyword != "allOf":
            every = {name for name in every if all(name in names for names in demands)}
        required += sorted(every - set(required))
    folded["properties"] = properties
    if required:
        folded["required"] = required
    return folded


def _target(root: Schema, schema: Schema) -> Schema:
    """What `schema` refers to, following a few references; itself if it refers to nothing."""
    for _ in range(8):
        found = _resolve(root, str(schema["$ref"])) if "$ref" in schema else None
        if not isinstance(found, dict):
            break
        schema = cast("Schema", found)
    return schema


def _drop_dangling(root: Schema) -> Schema:
    """Remove references to what is not there (any more)."""

    def visit(schema: Schema) -> None:
        if "$ref" in schema and _resolve(root, str(schema["$ref"])) is None:
            del schema["$ref"]

    walk(root, visit)
    return root


def _drop_unreachable(root: Schema) -> Schema:
    """Remove the definitions that nothing outside of them leads to."""
    body = {k: v for k, v in root.items() if k not in _DEFINITIONS}
    reached: set[tuple[str, str]] = set()
    pending = references(body)
    while pending:
        parts = pending.pop().split("/")
        if len(parts) < 3 or parts[1] not in _DEFINITIONS:
            continue
        key = (parts[1], _unescape(parts[2]))
        if key not in reached:
            reached.add(key)
            pending |= references(cast("Schema", root.get(key[0], {})).get(key[1]))
    for keyword in _DEFINITIONS:
        kept = {n: d for n, d in cast("Schema", root.get(keyword, {})).items() if (keyword, n) in reached}
        if kept:
            body[keyword] = kept
    return body


def _resolve(root: Schema, reference: str) -> object | None:
    """What a local JSON pointer (`#/a/b`) points to, or None."""
    node = cast("object", root)
    for part in reference[1:].split("/")[1:]:
        if isinstance(node, dict):
            node = cast("Schema", node).get(_unescape(part))
        elif isinstance(node, list):
            node = {str(index): item for index, item in enumerate(cast("list[object]", node))}.get(part)
        else:
            return None
    return node


def _unescape(part: str) -> str:
    return part.replace("~1", "/").replace("~0", "~")

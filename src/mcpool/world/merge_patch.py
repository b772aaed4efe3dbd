"""JSON merge patches (RFC 7386). Pure."""

from __future__ import annotations

from typing import cast

from mcpool.world.section import Json


def difference(before: dict[str, Json], after: dict[str, Json]) -> dict[str, Json]:
    """The patch that makes `after` of `before`. It is empty if they are equal.

    Raises:
        ValueError: `after` has a null in an object, which no merge patch can bring about.
    """
    patch: dict[str, Json] = {key: None for key in before if key not in after}
    for key, value in after.items():
        if value is None:
            raise ValueError(f"{key!r} is null: in a merge patch that means that it is taken away")
        old = before.get(key)
        if isinstance(value, dict) and isinstance(old, dict):
            if inner := difference(old, value):
                patch[key] = inner
        elif not _same(old, value):
            patch[key] = value if not isinstance(value, dict) else difference({}, value)
    return patch


def applied(target: Json, patch: Json) -> Json:
    """`target` with the patch applied; neither is changed."""
    if not isinstance(patch, dict):
        return patch
    result: dict[str, Json] = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = applied(result.get(key), value)
    return result


def _same(a: Json, b: Json) -> bool:
    """Equal as JSON: `1` is not `true`."""
    if isinstance(a, bool) or isinstance(b, bool):
        return a is b
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(_same(x, y) for x, y in zip(a, b, strict=True))
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(_same(cast(Json, a[key]), b[key]) for key in a)
    return type(a) is type(b) and a == b

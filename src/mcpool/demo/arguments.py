"""Checks a call's arguments against the tool's own input schema: the few keywords that the demo tools use."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from mcpool.demo.tool import Json, ToolError

_KINDS: dict[str, tuple[type, ...]] = {"string": (str,), "integer": (int,), "number": (int, float), "boolean": (bool,)}


def check(schema: Mapping[str, object], arguments: object) -> Json:
    """The arguments with defaults filled in.

    Raises:
        ToolError: an argument is missing, unknown, of the wrong type or out of range; the message says which.
    """
    if arguments is None:
        arguments = {}
    if not isinstance(arguments, dict):
        msg = "arguments must be a JSON object"
        raise ToolError(msg)
    given = cast("Json", arguments)
    properties = cast("dict[str, Json]", schema["properties"])
    for name in given:
        if name not in properties:
            msg = f"unknown argument {name!r}; known: {', '.join(properties)}"
            raise ToolError(msg)
    checked: Json = {}
    for name, rule in properties.items():
        if name in given:
            checked[name] = _check_one(name, given[name], rule)
        elif "default" in rule:
            checked[name] = rule["default"]
        else:
            msg = f"argument {name!r} is missing"
            raise ToolError(msg)
    return checked


def _check_one(name: str, value: object, rule: Json) -> object:
    kind = str(rule["type"])
    if not isinstance(value, _KINDS[kind]) or (isinstance(value, bool) and kind != "boolean"):
        msg = f"argument {name!r} must be of type {kind}"
        raise ToolError(msg)
    size = len(value) if isinstance(value, str) else cast("float", value)
    least, most = ("minLength", "maxLength") if isinstance(value, str) else ("minimum", "maximum")
    what = "length of argument" if isinstance(value, str) else "argument"
    # Written so that NaN fails too.
    if least in rule and not size >= cast("float", rule[least]):
        msg = f"{what} {name!r} must be at least {rule[least]}"
        raise ToolError(msg)
    if most in rule and not size <= cast("float", rule[most]):
        msg = f"{what} {name!r} must be at most {rule[most]}"
        raise ToolError(msg)
    return value

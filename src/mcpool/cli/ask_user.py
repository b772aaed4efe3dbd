"""A server's question (form elicitation), asked on the terminal."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, cast

Read = Callable[[str], str]
Write = Callable[[str], object]


class Cancelled(Exception):
    """The user has left the form."""


def read_line(prompt: str) -> str:
    """A line that is typed; the prompt goes to stderr, since stdout may be somebody's data.

    Raises:
        EOFError: Ctrl-D.
    """
    sys.stderr.write(prompt)
    sys.stderr.flush()
    line = sys.stdin.readline()
    if not line:
        raise EOFError
    return line


def ask_user(params: dict[str, Any], *, read: Read = read_line, write: Write = sys.stderr.write) -> dict[str, Any]:
    """Ask, field by field; returns an elicitation result. An empty answer takes the default, or leaves the field out.

    Ctrl-D cancels, `n` to the first question declines.
    """
    write(f"\n{params.get('message', 'the server asks:')}\n")
    if params.get("mode") == "url":
        write(f"{params.get('url')}\n")
        return _confirmed(read, "opened it? [y/N] ")
    schema = cast("dict[str, Any]", params.get("requestedSchema") or {})
    properties = cast("dict[str, dict[str, Any]]", schema.get("properties") or {})
    required = set(cast("list[str]", schema.get("required") or []))
    try:
        if not properties:
            return _confirmed(read, "accept? [y/N] ")
        content = {name: _field(name, field, name in required, read, write) for name, field in properties.items()}
    except (Cancelled, EOFError):
        return {"action": "cancel"}
    return {"action": "accept", "content": {name: value for name, value in content.items() if value is not None}}


def _confirmed(read: Read, prompt: str) -> dict[str, Any]:
    try:
        yes = read(prompt).strip().lower() in ("y", "yes")
    except EOFError:
        return {"action": "cancel"}
    return {"action": "accept", "content": {}} if yes else {"action": "decline"}


def _field(name: str, field: dict[str, Any], required: bool, read: Read, write: Write) -> object:
    label = str(field.get("title") or name)
    if description := field.get("description"):
        write(f"  {description}\n")
    options = _options(field)
    for number, (_, title) in enumerate(options, start=1):
        write(f"    {number}. {title}\n")
    default = field.get("default")
    hint = f" [{default}]" if default is not None else "" if required else " (optional)"
    while True:
        text = read(f"  {label}{hint}: ").strip()
        if not text:
            if default is not None or not required:
                return default
            write("  an answer is needed here; Ctrl-D leaves the form\n")
            continue
        try:
            return _value(text, field, options)
        except ValueError as error:
            write(f"  {error}\n")


def _options(field: dict[str, Any]) -> list[tuple[object, str]]:
    source = cast("dict[str, Any]", field.get("items") or field)
    if titled := cast("list[dict[str, Any]]", source.get("oneOf") or source.get("anyOf") or []):
        return [(option.get("const"), str(option.get("title", option.get("const")))) for option in titled]
    values = cast("list[object]", source.get("enum") or [])
    names = cast("list[object]", source.get("enumNames") or values)
    return [(value, str(name)) for value, name in zip(values, names, strict=False)]


def _value(text: str, field: dict[str, Any], options: list[tuple[object, str]]) -> object:
    kind = field.get("type")
    if kind == "array":
        return [_chosen(part.strip(), options) for part in text.split(",") if part.strip()]
    if options:
        return _chosen(text, options)
    if kind == "boolean":
        if text.lower() in ("y", "yes", "true", "1"):
            return True
        if text.lower() in ("n", "no", "false", "0"):
            return False
        raise ValueError("answer yes or no")
    if kind == "integer":
        return _number(text, int, "a whole number is needed here")
    return _number(text, float, "a number is needed here") if kind == "number" else text


def _number(text: str, convert: Callable[[str], object], complaint: str) -> object:
    try:
        return convert(text)
    except ValueError:
        raise ValueError(complaint) from None


def _chosen(text: str, options: list[tuple[object, str]]) -> object:
    if text.isdecimal() and 1 <= int(text) <= len(options):
        return options[int(text) - 1][0]
    for value, title in options:
        if text in (str(value), title):
            return value
    raise ValueError(f"choose one of 1 to {len(options)}")

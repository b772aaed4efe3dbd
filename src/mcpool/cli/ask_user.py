"""A server's question (elicitation), asked on the terminal."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import Any, cast
from urllib.parse import urlsplit

from mcpool.cli.words import say

Read = Callable[[str], str]
"""Shows a prompt and gives the line that is typed. Raises EOFError for Ctrl-D."""
Write = Callable[[str], object]


class Cancelled(Exception):
    """The user has left the form."""


def ask_user(server: str, params: dict[str, Any], *, read: Read, write: Write = say) -> dict[str, Any]:
    """Ask, field by field; returns an elicitation result. An empty answer takes the default, or leaves the field out.

    Ctrl-D cancels, `n` to the first question declines. Whatever the server sends can be shown.
    """
    # Indented: no line of the server's can be taken for one of ours.
    write(f"\n`{server}` asks:\n{_indented(params.get('message'), '  ')}")
    if params.get("mode") == "url":
        url = str(params.get("url"))
        write(f"  It wants you to visit {_host(url)}:\n{_indented(url, '    ')}")
        return _confirmed(read, "  opened it? [y/N] ")
    schema = _table(params.get("requestedSchema"))
    properties, required = _table(schema.get("properties")), _list(schema.get("required"))
    try:
        if not properties:
            return _confirmed(read, "  accept? [y/N] ")
        content = {
            name: _field(name, _table(field), name in required, read, write) for name, field in properties.items()
        }
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
    if description := field.get("description"):
        write(_indented(description, "  "))
    options = _options(field)
    for number, (_, title) in enumerate(options, start=1):
        write(f"    {number}. {title}\n")
    default = field.get("default")
    hint = f" [{_line(_text(default))}]" if default is not None else "" if required else " (optional)"
    while True:
        text = read(f"  {_line(_text(field.get('title') or name))}{hint}: ").strip()
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
    source = _table(field.get("items")) or field
    if titled := _list(source.get("oneOf")) or _list(source.get("anyOf")):
        choices = [_table(option) for option in titled]
        return [(choice.get("const"), _line(_text(choice.get("title", choice.get("const"))))) for choice in choices]
    values = _list(source.get("enum"))
    names = _list(source.get("enumNames")) or values
    return [(value, _line(_text(name))) for value, name in zip(values, names, strict=False)]


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


def _number(text: str, convert: Callable[[str], float], complaint: str) -> float:
    try:
        number = convert(text)
    except ValueError:
        raise ValueError(complaint) from None
    if isinstance(number, float) and not math.isfinite(number):
        raise ValueError(complaint)  # JSON has no word for it
    return number


def _chosen(text: str, options: list[tuple[object, str]]) -> object:
    if text.isdecimal() and 1 <= int(text) <= len(options):
        return options[int(text) - 1][0]
    for value, title in options:
        if text in (str(value), title):
            return value
    raise ValueError(f"choose one of 1 to {len(options)}")


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or "an address"
    except ValueError:
        return "an address"


def _table(value: object) -> dict[str, Any]:
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def _list(value: object) -> list[Any]:
    return cast("list[Any]", value) if isinstance(value, list) else []


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _line(text: str) -> str:
    return " ".join(text.split())


def _indented(text: object, by: str) -> str:
    return "".join(f"{by}{line}\n" for line in _text("" if text is None else text).splitlines())

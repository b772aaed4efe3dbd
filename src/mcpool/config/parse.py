"""Parsers for the values of keys. Each says at its spot what is wrong; what it then returns is not used."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from mcpool.config.problem import Spot
from mcpool.config.server import EnvVar, Pairs, ToolConfig
from mcpool.config.table import as_list, as_table, kind

Parse = Callable[[object, Spot], Any]

LONGEST_SECONDS = 366 * 24 * 3600.0
_ENV_NAME = re.compile(r"[^=\x00]+")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


def text(value: object, spot: Spot) -> str:
    """Non-empty text."""
    found = any_text(value, spot)
    if isinstance(value, str) and not value.strip():
        spot.error("is empty", "write a value, or remove the key")
    return found


def any_text(value: object, spot: Spot) -> str:
    """Text, which may be empty, that an operating system and a wire can carry."""
    if not isinstance(value, str):
        spot.error(f"must be text, not {kind(value)}", "put the value in quotes")
        return ""
    if "\x00" in value or any("\ud800" <= char <= "\udfff" for char in value):
        spot.error("holds a character that cannot be passed on (NUL or half a surrogate pair)", "remove it")
        return ""
    return value


def boolean(value: object, spot: Spot) -> bool:
    """`true` or `false`."""
    if not isinstance(value, bool):
        spot.error(f"must be true or false, not {kind(value)}", "write true or false, without quotes")
        return False
    return value


def seconds(*, zero: bool) -> Parse:
    """A time in seconds: finite, at most a year, positive or (with `zero`) not negative."""
    return _number(1.0, zero=zero)


def milliseconds(value: object, spot: Spot) -> float:
    """A positive time in milliseconds, as seconds."""
    result: float = _number(1000.0, zero=False)(value, spot)
    return result


def _number(per_second: float, *, zero: bool) -> Parse:
    unit = "seconds" if per_second == 1.0 else "milliseconds"

    def parse(value: object, spot: Spot) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float):
            spot.error(f"must be a number of {unit}, not {kind(value)}", "write a number, without quotes")
            return 0.0
        # Compared before it is converted: a whole number can be too large for a float.
        if (isinstance(value, float) and not math.isfinite(value)) or value > LONGEST_SECONDS * per_second:
            spot.error(f"is too long: every wait has an end, after {LONGEST_SECONDS:.0f} seconds at most", "lower it")
            return 0.0
        if value < 0 or (value == 0 and not zero):
            least = "0 or more" if zero else "more than 0"
            spot.error(f"must be {least} {unit}, not {value:g}", f"write a number of {unit} that is {least}")
            return 0.0
        return value / per_second

    return parse


def whole(least: int, most: int) -> Parse:
    """A whole number in a range."""

    def parse(value: object, spot: Spot) -> int:
        if isinstance(value, bool) or not isinstance(value, int):
            spot.error(f"must be a whole number, not {kind(value)}", "write a whole number, without quotes")
            return least
        if not least <= value <= most:
            spot.error("is out of range", f"write a number from {least} to {most}")
            return least
        return value

    return parse


def one_of(*choices: str) -> Parse:
    """One of some words."""
    listed = ", ".join(f'"{choice}"' for choice in choices)

    def parse(value: object, spot: Spot) -> str:
        if not isinstance(value, str):
            spot.error(f"must be text, not {kind(value)}", f"write one of {listed}")
        elif value not in choices:
            spot.error(f"is {value[:40]!r}, which is not one of its values", f"write one of {listed}")
        else:
            return value
        return choices[0]

    return parse


def list_of(parse_item: Parse) -> Parse:
    """A list, as a tuple."""

    def parse(value: object, spot: Spot) -> tuple[Any, ...]:
        items = as_list(value)
        if items is None:
            spot.error(f"must be a list, not {kind(value)}", "put its items in [ ]")
            return ()
        return tuple(parse_item(item, spot.at(index)) for index, item in enumerate(items))

    return parse


def environment(value: object, spot: Spot) -> Pairs:
    """A table of environment variables, as sorted pairs."""
    return _pairs(value, spot, _ENV_NAME, "the name of a variable", any_text)


def headers(value: object, spot: Spot) -> Pairs:
    """A table of HTTP headers, as sorted pairs."""
    return _pairs(value, spot, _HEADER_NAME, "the name of an HTTP header", _header_value)


def header_variables(value: object, spot: Spot) -> Pairs:
    """A table of HTTP header to environment variable, as sorted pairs."""
    return _pairs(value, spot, _HEADER_NAME, "the name of an HTTP header", variable_name)


def variable_name(value: object, spot: Spot) -> str:
    """The name of an environment variable."""
    name = text(value, spot)
    if name and not _ENV_NAME.fullmatch(name):
        spot.error("is not the name of a variable", "write the name only, without `=`")
    return name


def env_var(value: object, spot: Spot) -> EnvVar:
    """A variable to copy: its name, or `{ name, source }`."""
    table = as_table(value)
    if table is None:
        if not isinstance(value, str):
            spot.error(f"must be a name or a table, not {kind(value)}", 'write "NAME" or { name = "NAME" }')
            return EnvVar("")
        return EnvVar(variable_name(value, spot))
    for key in table:
        if key not in ("name", "source"):
            spot.at(key).error("is not a key of a variable", "use `name` and `source`")
    if "name" not in table:
        spot.error("names no variable", 'write { name = "NAME", source = "local" }')
        return EnvVar("")
    name = variable_name(table["name"], spot.at("name"))
    source = one_of("local", "remote")(table.get("source", "local"), spot.at("source"))
    return EnvVar(name, "remote" if source == "remote" else "local")


def tools(value: object, spot: Spot) -> tuple[tuple[str, ToolConfig], ...]:
    """A table of raw tool name to its settings. A wrong key in it is an error: it may be a misspelt restriction."""
    table = as_table(value)
    if table is None:
        spot.error(
            f"must be a table, not {kind(value)}", 'write [mcp_servers.NAME.tools.TOOL] approval_mode = "prompt"'
        )
        return ()
    return tuple((name, _tool(table[name], spot.at(name))) for name in sorted(table))


def _tool(value: object, spot: Spot) -> ToolConfig:
    table = as_table(value)
    if table is None:
        spot.error(f"must be a table, not {kind(value)}", 'write { approval_mode = "prompt" }')
        return ToolConfig()
    settings: dict[str, Any] = {}
    for key, setting in table.items():
        parse = _TOOL_KEYS.get(key)
        if parse is None:
            spot.at(key).error("is not a setting of a tool", f"use {' or '.join(f'`{known}`' for known in _TOOL_KEYS)}")
        else:
            settings[key] = parse(setting, spot.at(key))
    if "approved_definition" in settings and settings.get("approval_mode") != "approve":
        spot.at("approved_definition").warning(
            'has no effect without `approval_mode = "approve"`', "remove it, or add that"
        )
        del settings["approved_definition"]
    return ToolConfig(**settings)


def digest(value: object, spot: Spot) -> str:
    """A SHA-256 digest, `sha256:` and hex; the hex of it."""
    if not isinstance(value, str):
        spot.error(f"must be text, not {kind(value)}", "put the value in quotes")
        return ""
    if not _DIGEST.fullmatch(value):
        spot.error(
            "is no digest", "write `sha256:` and 64 hexadecimal digits, or remove it: then any definition counts"
        )
    return value.removeprefix("sha256:")


def url(value: object, spot: Spot) -> str:
    """An http or https URL. Messages never show it: it may hold a key."""
    address = text(value, spot)
    if not address or "${" in address:  # references that were left alone on purpose
        return address
    remedy = "write it whole: https://HOST/PATH"
    try:
        parts = urlsplit(address)
        port_is_sound = parts.port != 0
    except ValueError:  # whose text may hold parts of the URL
        spot.error("is not a URL", remedy)
        return address
    if parts.scheme.lower() not in ("http", "https"):
        spot.error("is not an http or https URL", remedy)
    elif not parts.hostname or not port_is_sound or any(char.isspace() for char in address):
        spot.error("is not a URL that can be reached", remedy)
    return address


def _header_value(value: object, spot: Spot) -> str:
    content = any_text(value, spot)
    if "\r" in content or "\n" in content:
        spot.error("holds a line break, which a header cannot carry", "remove it (it may come from a variable)")
    return content


def _pairs(value: object, spot: Spot, name_pattern: re.Pattern[str], what: str, parse: Parse) -> Pairs:
    table = as_table(value)
    if table is None:
        spot.error(f"must be a table, not {kind(value)}", 'write { NAME = "value" }')
        return ()
    pairs: list[tuple[str, str]] = []
    for name in sorted(table):
        if not name_pattern.fullmatch(name) or any_text(name, spot.at(name)) != name:
            spot.at(name).error(f"is not {what}", "correct the name")
            continue
        pairs.append((name, parse(table[name], spot.at(name))))
    return tuple(pairs)


APPROVAL_MODE = one_of("auto", "prompt", "writes", "approve")
RETRY = one_of("safe", "never", "always")
_TOOL_KEYS: dict[str, Parse] = {"approval_mode": APPROVAL_MODE, "approved_definition": digest, "retry": RETRY}

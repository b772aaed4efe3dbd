"""`environments.toml`: the executors that the user has, besides this machine."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from mcpool.config.document import Document, read_document
from mcpool.config.expand import Expander
from mcpool.config.loading import in_order, keyring
from mcpool.config.parse import Parse, headers, seconds, text
from mcpool.config.problem import Problem, Report, Spot
from mcpool.config.read_server import nearest
from mcpool.config.server import LOCAL, Pairs
from mcpool.config.table import as_table, kind

FILE_NAME = "environments.toml"
LONGEST_RESUME = 25.0
"""Seconds: an executor keeps what runs there for little more after a socket was lost."""

_TABLE = "environments"
_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_RESERVED = (LOCAL, "none")
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True, slots=True)
class EnvironmentConfig:
    """One `[environments.NAME]`. Times are seconds."""

    id: str
    url: str = field(repr=False)
    headers: Pairs = field(default=(), repr=False)
    """Sent when a socket is opened; secrets live here, the token too."""
    connect_timeout: float = 10.0
    resume_timeout: float = LONGEST_RESUME


def why_no_id(id: str) -> str | None:
    """What is wrong with the id of an environment; None: nothing."""
    if id.lower() in _RESERVED:
        return f"is a name that has a meaning already: `{LOCAL}` is this machine"
    return None if _ID.fullmatch(id) else "is not a name for an environment"


def why_no_url(url: str) -> str | None:
    """What is wrong with the URL of an executor; None: nothing. The URL itself is not quoted: it may hold a secret."""
    try:
        parts = urlsplit(url)
        sound = parts.port != 0 and bool(parts.hostname)
    except ValueError:
        return "is not a URL"
    if parts.scheme not in ("ws", "wss"):
        return "is not a ws or wss URL"
    return None if sound and not any(char.isspace() for char in url) else "is not a URL that can be reached"


def load_environments(
    file: Path, environ: Mapping[str, str], *, secret: Callable[[str], str | None] | None = None
) -> tuple[tuple[EnvironmentConfig, ...], tuple[Problem, ...]]:
    """The executors that a file names, if it exists, and everything that is wrong with it; one with an error is left
    out. `environ` answers `${VAR}`, `secret` answers `${keyring:NAME}` (the system's keyring if None)."""
    if not file.exists() and not file.is_symlink():
        return (), ()
    document = read_document(file)
    if isinstance(document, Problem):
        return (), (document,)
    report = document.report()
    expander = Expander(environ, secret or keyring())
    for name in document.data:
        if name != _TABLE:
            Spot(report, (name,)).warning("is not a table of this file and has no effect", nearest(name, [_TABLE]))
    spot = Spot(report, (_TABLE,))
    table = as_table(document.data.get(_TABLE, {}))
    if table is None:
        found = kind(document.data[_TABLE])
        spot.error(f"must be a table, not {found}", 'write [environments.NAME] and below it url = "ws://HOST:PORT"')
        return (), in_order(report.problems)
    read = [_environment(id, value, spot.at(id), expander, report, document) for id, value in table.items()]
    return tuple(one for one in read if one is not None), in_order(report.problems)


_KEYS: dict[str, Parse] = {
    "url": text,
    "token": text,
    "headers": headers,
    "connect_timeout_sec": seconds(zero=False),
    "resume_timeout_sec": seconds(zero=True),
}


def _environment(
    id: str, value: object, spot: Spot, expander: Expander, report: Report, document: Document
) -> EnvironmentConfig | None:
    errors = report.error_count
    if wrong := why_no_id(id):
        spot.error(wrong, "use letters, digits, `_` and `-`, at most 64 of them")
    table = as_table(value)
    if table is None:
        spot.error(f"must be a table, not {kind(value)}", f"write [environments.{id}] on a line of its own")
        return None
    if document.readable_by_others and any(_is_secret(table.get(key)) for key in ("token", "headers")):
        spot.warning(
            "has what looks like a secret, in a file that other users can read",
            f"chmod 600 {report.file}, or write `${{keyring:NAME}}` or `${{VAR}}`",
        )
    found: dict[str, Any] = {}
    for name, setting in table.items():
        parse = _KEYS.get(name)
        if parse is None:
            spot.at(name).warning("is not a key of an environment and has no effect", nearest(name, list(_KEYS)))
            continue
        before = report.error_count
        expanded = expander.value(setting, spot.at(name))
        if report.error_count == before:
            found[name] = parse(expanded, spot.at(name))
    if "url" not in table:
        spot.error("has no `url`", 'add url = "ws://HOST:PORT", as `mcpool exec-server` prints it')
    elif isinstance(found.get("url"), str) and (wrong := why_no_url(found["url"])):
        spot.at("url").error(wrong, "write it whole: ws://HOST:PORT, or wss://HOST/PATH")
    if report.error_count > errors:
        return None
    given = dict(found.get("headers", ()))
    if "token" in found:
        given["Authorization"] = f"Bearer {found['token']}"
        parts = urlsplit(str(found["url"]))
        if parts.scheme == "ws" and parts.hostname not in _LOOPBACK:
            spot.at("url").warning("sends the token where others can read it", "use a wss URL, or a tunnel")
    resume = found.get("resume_timeout_sec", LONGEST_RESUME)
    if resume > LONGEST_RESUME:
        spot.at("resume_timeout_sec").error(
            f"is too long: an executor keeps nothing longer than {LONGEST_RESUME:g} seconds", "lower it"
        )
        return None
    return EnvironmentConfig(
        id, found["url"], tuple(sorted(given.items())), found.get("connect_timeout_sec", 10.0), resume
    )


def _is_secret(value: object) -> bool:
    table = as_table(value)
    if table is not None:
        return any(_is_secret(inner) for inner in table.values())
    return isinstance(value, str) and "${" not in value

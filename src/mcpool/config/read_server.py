"""One server's table -> ServerConfig, or everything that is wrong with it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mcpool.config.expand import Expander
from mcpool.config.keys import GROUPS, IGNORED, KEYS, Key
from mcpool.config.problem import KeyPath, Report, Spot
from mcpool.config.server import CLIENT_CWD, LOCAL, Http, ServerConfig, Stdio
from mcpool.config.table import Table, as_table, kind

NAME = re.compile(r"[a-zA-Z0-9_-]+")

_TRANSPORT_NAMES = {"stdio": "stdio", "http": "streamable_http"}


@dataclass(frozen=True, slots=True)
class Entry:
    """One server as a document has it, its keys translated to ours.

    `path` is where it stands in the document; `places` where the value of one of our keys stands, if that is elsewhere
    than under `path` and the key.
    """

    name: str
    table: Table = field(repr=False)
    path: KeyPath
    places: Mapping[str, Spot] = field(default_factory=dict[str, Spot])

    def spot(self, key: str, report: Report) -> Spot:
        """Where the value of one of our keys stands."""
        return self.places.get(key) or Spot(report, (*self.path, key))


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a server's table is read against: references, the folder of relative paths, the user's home."""

    expander: Expander
    folder: Path
    user_home: str | None


def read_server(entry: Entry, around: Surroundings, report: Report) -> ServerConfig | None:
    """The server that the entry describes; None if it has an error, all of which are then in the report."""
    errors_before = report.error_count
    whole = Spot(report, entry.path)
    if not NAME.fullmatch(entry.name):
        whole.error("is not a name for a server", "use letters, digits, `_` and `-` only")
    settings = _flat(entry, report)
    transport = _transport(settings, whole)
    fields: dict[str, dict[str, Any]] = {"server": {}, "stdio": {}, "http": {}}
    enabled = settings.get("enabled", (True, whole))[0] is not False
    for key in KEYS:
        if key.name not in settings or transport is None:
            continue
        value, spot = settings.pop(key.name)
        if key.part not in ("server", transport):
            _wrong_transport(key, transport, spot)
            continue
        # What never starts needs no secrets: a disabled server may name variables that nobody has set.
        if key.expands and enabled:
            errors = report.error_count
            value = around.expander.value(value, spot)
            if report.error_count > errors:
                continue
        fields[key.part][key.field] = key.parse(value, spot)
    if transport is not None:
        _placement(fields, whole)
        _registration(fields["http"], whole)
    known = {key.name for key in KEYS}
    _unknown({name: found for name, found in settings.items() if name not in known}, report)
    if report.error_count > errors_before or transport is None:
        return None
    return ServerConfig(
        name=entry.name,
        transport=Http(**fields["http"])
        if transport == "http"
        else _stdio(fields["stdio"], around, fields["server"].get("environment_id", LOCAL)),
        **fields["server"],
        file=report.file,
        line=report.line_of(entry.path),
    )


def _flat(entry: Entry, report: Report) -> dict[str, tuple[object, Spot]]:
    """The settings by their dotted key, with their places. `None` (JSON's null) is the same as absent."""
    settings: dict[str, tuple[object, Spot]] = {}
    for name, value in entry.table.items():
        spot = entry.spot(name, report)
        if value is None:
            continue
        group = as_table(value) if name in GROUPS else None
        if group is not None:
            settings.update({f"{name}.{inner}": (item, spot.at(inner)) for inner, item in group.items()})
        elif name in GROUPS:
            spot.error(f"must be a table, not {kind(value)}", f'write {name} = {{ client_id = "..." }}')
        else:
            settings[name] = (value, spot)
    return settings


def _transport(settings: Mapping[str, tuple[object, Spot]], whole: Spot) -> str | None:
    if "command" in settings and "url" in settings:
        whole.error(
            "has both `command` and `url`", "keep `command` for a program, or `url` for a server on the network"
        )
        return None
    if "command" in settings:
        return "stdio"
    if "url" in settings:
        return "http"
    whole.error("has neither `command` nor `url`", "add `command` for a program, or `url` for a server on the network")
    return None


def _wrong_transport(key: Key, transport: str, spot: Spot) -> None:
    if key.name == "scopes":
        spot.warning("has no meaning for a server that is a program", "remove it")
        return
    other = "url" if key.part == "http" else "command"
    spot.error(
        f"`{key.name}` is not supported for {_TRANSPORT_NAMES[transport]}",
        f"remove it; it belongs to servers with `{other}`",
    )


def _unknown(left: Mapping[str, tuple[object, Spot]], report: Report) -> None:
    for name, (_, spot) in left.items():
        if name in IGNORED:
            continue
        if name == "bearer_token":
            spot.error(
                "would put a secret into the file",
                "name a variable with `bearer_token_env_var`, or write "
                '`http_headers = { Authorization = "Bearer ${keyring:NAME}" }`',
            )
            continue
        spot.warning("is not a key of a server and has no effect", nearest(name, [key.name for key in KEYS]))


def nearest(name: str, known: list[str]) -> str:
    """What to do about an unknown key: the known one that it resembles, or none."""
    import difflib

    snake = re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", name).lower()
    close = difflib.get_close_matches(snake, known, 1, 0.7)
    return f"did you mean `{close[0]}`?" if close else "remove it, or see the table of keys in docs/configuration.md"


def _placement(fields: Mapping[str, Mapping[str, Any]], whole: Spot) -> None:
    environment = fields["server"].get("environment_id", LOCAL)
    if environment == LOCAL:
        if fields["http"].get("variables_source") == "remote":
            remedy = "add the `environment_id` of an executor, or remove it"
            whole.at("variables_source").error("is of no use for a server that is reached from this host", remedy)
        return
    if fields["stdio"] and "cwd" not in fields["stdio"]:
        whole.error(f"runs in the environment `{environment}` and has no `cwd`", "add `cwd`, a folder there")
    if "http_headers_helper" in fields["http"]:
        whole.at("http_headers_helper").error("runs on this host only", 'remove it, or set environment_id = "local"')


def _registration(http: Mapping[str, Any], whole: Spot) -> None:
    if "oauth_client_secret" in http and "oauth_client_id" not in http:
        whole.at("oauth").at("client_secret").error("is of no use without `oauth.client_id`", "add the client's id")
    by_itself = http.get("oauth_grant_type") == "client_credentials"
    for key in ("private_key", "issuer"):
        if f"oauth_{key}" in http and not by_itself:
            remedy = 'add `oauth.grant_type = "client_credentials"`, or remove it'
            whole.at("oauth").at(key).error("is for clients that sign in by themselves", remedy)
    secrets = sum(f"oauth_{key}" in http for key in ("client_secret", "private_key"))
    if by_itself and ("oauth_client_id" not in http or secrets != 1):
        what = "needs `oauth.client_id`, and either `oauth.client_secret` or `oauth.private_key`"
        whole.at("oauth").at("grant_type").error(what, "add those that the issuer gave you")


def _stdio(fields: dict[str, Any], around: Surroundings, environment: str) -> Stdio:
    if environment != LOCAL:
        return Stdio(**fields)  # what its paths mean is known there
    home = around.user_home
    command: str = fields["command"]
    if home and command.startswith("~/"):
        fields["command"] = home + command[1:]
    cwd: str = fields.get("cwd", CLIENT_CWD)
    if cwd != CLIENT_CWD:
        if home and (cwd == "~" or cwd.startswith("~/")):
            cwd = home + cwd[1:]
        # A reference still there is one that was left alone on purpose; what it stands for may be absolute.
        fields["cwd"] = cwd if cwd.startswith("${") else str(around.folder / cwd)
    return Stdio(**fields)

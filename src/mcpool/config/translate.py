"""One server in another host's words -> the same in ours, each value with the place that it came from."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from mcpool.config.keys import KEYS
from mcpool.config.placeholders import WORKSPACE, Placeholders
from mcpool.config.problem import Report, Spot
from mcpool.config.read_server import NAME, Entry
from mcpool.config.server import CLIENT_CWD
from mcpool.config.shapes import RawEntry
from mcpool.config.table import Table, as_list, as_table, kind

_RENAMED = {
    "httpUrl": "url",
    "serverUrl": "url",
    "headers": "http_headers",
    "headersHelper": "http_headers_helper",
    "environment": "env",
    "includeTools": "enabled_tools",
    "enabledTools": "enabled_tools",
    "excludeTools": "disabled_tools",
    "disabledTools": "disabled_tools",
}
_NO_MATTER = frozenset(
    (
        *("$schema", "description", "dev", "displayName", "extensionName", "gallery"),
        *("icon", "name", "note", "provider", "source", "title", "version"),
    )
)
"""Keys of other hosts about their own windows and shops, which change nothing about the server."""

_PARTS = {key.name.partition(".")[0]: key.part for key in KEYS}
_LOCAL = frozenset({"stdio", "local"})
_REMOTE = frozenset({"http", "remote", "streamable-http", "streamable_http", "streamablehttp"})
_OAUTH_KEYS = {
    **dict.fromkeys(("clientId", "CLIENT_ID", "client_id"), "client_id"),
    **dict.fromkeys(("clientSecret", "CLIENT_SECRET", "client_secret"), "client_secret"),
    **dict.fromkeys(("callbackPort", "callback_port"), "callback_port"),
    **dict.fromkeys(("grantType", "grant_type"), "grant_type"),
    **dict.fromkeys(("privateKey", "private_key"), "private_key"),
}
_WITH_REFERENCES = ("command", "args", "env", "url", "http_headers", "oauth", "cwd")


def translate(raw: RawEntry, report: Report, placeholders: Placeholders) -> Entry | None:
    """The entry in our keys; None if it is no server that we can run, which the report then says."""
    spot = Spot(report, raw.path)
    table = as_table(raw.value)
    if table is None:
        spot.error(f"must be a table, not {kind(raw.value)}", 'write { command = "..." } or { url = "..." }')
        return None
    if raw.dialect == "mcpool":
        return Entry(raw.name, table, raw.path)
    translation = _Translation(spot)
    for key, value in table.items():
        if value is not None:
            translation.take(key, value)
    ours = translation.table
    if not translation.usable:
        return None
    if set(table) <= {"enabled", "disabled"}:
        spot.warning("only switches on or off what is described elsewhere", "nothing, or describe the server here")
        return None
    reachable = "command" in ours or "url" in ours
    if not reachable and (table.get("source") == "extension" or "settings" in table):
        spot.warning(
            "is run by an extension of the editor, which does not say how", "add its command or URL to mcpool by hand"
        )
        return None
    translation.drop_other_transport()
    for key in _WITH_REFERENCES:
        if key in ours:
            ours[key] = placeholders.ours(ours[key])
    _follow_the_client(ours)
    if raw.off:
        ours["enabled"] = False
    if raw.project is not None and "command" in ours:
        ours.setdefault("cwd", raw.project)
    return Entry(_name(raw.name, spot), ours, raw.path, translation.places)


def _follow_the_client(ours: dict[str, object]) -> None:
    """The editor's folder, where no one folder is meant, is that of whoever calls: the working folder of the server."""
    if ours.get("cwd") == WORKSPACE:
        ours["cwd"] = CLIENT_CWD
    args = as_list(ours.get("args"))
    if args is not None and ours.get("cwd", CLIENT_CWD) == CLIENT_CWD:
        ours["args"] = [arg.replace(WORKSPACE, ".") if isinstance(arg, str) else arg for arg in args]


def _name(name: str, spot: Spot) -> str:
    usable = re.sub(r"[^a-zA-Z0-9_-]+", "-", name).strip("-")
    if not usable or NAME.fullmatch(name):
        return name
    spot.warning(f"has characters that a name here cannot have, and is called `{usable}`", "nothing, or rename it")
    return usable


@dataclass(slots=True)
class _Translation:
    spot: Spot
    table: dict[str, object] = field(default_factory=dict[str, object])
    places: dict[str, Spot] = field(default_factory=dict[str, Spot])
    usable: bool = True

    def take(self, key: str, value: object) -> None:
        special = _SPECIAL.get(key)
        if special is not None:
            special(self, value, self.spot.at(key))
        elif key not in _NO_MATTER:
            self.put(_RENAMED.get(key, key), value, self.spot.at(key))

    def put(self, key: str, value: object, spot: Spot) -> None:
        self.table[key] = value
        self.places[key] = spot

    def drop_other_transport(self) -> None:
        """Other hosts pass over an `env` beside a URL, or `headers` beside a command; so do we, and say so."""
        if ("command" in self.table) == ("url" in self.table):
            return
        other = "http" if "command" in self.table else "stdio"
        for key in [key for key in self.table if _PARTS.get(key) == other]:
            value = self.table.pop(key)
            if value not in ({}, [], ""):
                remedy = "remove it, or write `${VAR}` in the headers" if key == "env" else "remove it"
                self.places[key].warning("has no effect on a server of this kind", remedy)

    def type(self, value: object, spot: Spot) -> None:
        name = value.lower() if isinstance(value, str) else ""
        if name == "sse":
            self.usable = False
            spot.error(
                "is the legacy SSE transport, which mcpool does not speak",
                'use the server\'s streamable HTTP address with type "http"',
            )
        elif name not in _LOCAL and name not in _REMOTE:
            self.usable = False
            spot.error("is a kind of server that mcpool does not know", 'use "stdio" or "http"')

    def command(self, value: object, spot: Spot) -> None:
        line = as_list(value)
        parts = as_table(value)
        if line:
            self.put("command", line[0], spot)
            if line[1:]:
                self.put("args", line[1:], Spot(spot.report, spot.path, first_index=1))
        elif parts is not None:
            for theirs, ours in (("path", "command"), ("args", "args"), ("env", "env")):
                if parts.get(theirs) is not None:
                    self.put(ours, parts[theirs], spot.at(theirs))
        else:
            self.put("command", value, spot)

    def env(self, value: object, spot: Spot) -> None:
        table = as_table(value)
        if table is None:
            self.put("env", value, spot)
            return
        texts = {name: _as_text(item) for name, item in table.items() if item is not None}
        self.put("env", texts, spot)

    def disabled(self, value: object, spot: Spot) -> None:
        self.put("enabled", not value if isinstance(value, bool) else value, spot)

    def always_allow(self, value: object, spot: Spot) -> None:
        names = as_list(value)
        if names is None or not all(isinstance(name, str) for name in names):
            if not isinstance(value, bool):
                spot.warning("is not a list of tools, and has no effect", "write a list of names of tools")
            elif value:
                self.put("default_tools_approval_mode", "approve", spot)
            return
        if "*" in names:
            self.put("default_tools_approval_mode", "approve", spot)
        tools: Table = {str(name): {"approval_mode": "approve"} for name in names if name != "*"}
        if tools:
            self.put("tools", {**tools, **(as_table(self.table.get("tools")) or {})}, spot)

    def trust(self, value: object, spot: Spot) -> None:
        if value is True:
            self.put("default_tools_approval_mode", "approve", spot)

    def tools(self, value: object, spot: Spot) -> None:
        names = as_list(value)
        table = as_table(value)
        if table is not None:
            self.put("tools", {**(as_table(self.table.get("tools")) or {}), **table}, spot)
        elif names is None:
            self.put("tools", value, spot)
        elif "*" not in names:
            self.put("enabled_tools", value, spot)

    def oauth(self, value: object, spot: Spot) -> None:
        table = as_table(value)
        if table is None:
            return
        client: dict[str, object] = {}
        by_itself = "client_credentials" in (table.get("grantType"), table.get("grant_type"))
        for key, item in table.items():
            if key in _OAUTH_KEYS:
                client[_OAUTH_KEYS[key]] = item
            elif key == "issuer" and by_itself:
                client[key] = item
            elif key in ("scopes", "scope"):
                self.put("scopes", item.split() if isinstance(item, str) else item, spot.at(key))
            elif key != "enabled" and item is not None:
                spot.at(key).warning("has no effect here", "mcpool finds out about the authorization server by itself")
        if client:
            self.put("oauth", client, spot)

    def auth(self, value: object, spot: Spot) -> None:
        if isinstance(value, str):
            self.put("auth", value, spot)
        else:
            self.oauth(value, spot)

    def timeout(self, value: object, spot: Spot) -> None:
        spot.warning(
            "has no effect: hosts differ in what it counts and in which unit",
            "write `tool_timeout_sec` in mcpool's own file",
        )

    def env_file(self, value: object, spot: Spot) -> None:
        spot.warning(
            "is not read", "write its variables into `env`, or into the `.env` file in mcpool's folder with `env_vars`"
        )


def _as_text(value: object) -> object:
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


_SPECIAL: dict[str, Callable[[_Translation, object, Spot], None]] = {
    "type": _Translation.type,
    "transport": _Translation.type,
    "command": _Translation.command,
    "env": _Translation.env,
    "environment": _Translation.env,
    "disabled": _Translation.disabled,
    "alwaysAllow": _Translation.always_allow,
    "autoApprove": _Translation.always_allow,
    "trust": _Translation.trust,
    "tools": _Translation.tools,
    "oauth": _Translation.oauth,
    "auth": _Translation.auth,
    "timeout": _Translation.timeout,
    "envFile": _Translation.env_file,
    "settings": lambda _translation, _value, _spot: None,
}

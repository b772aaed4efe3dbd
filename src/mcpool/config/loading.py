"""From a file or a dict to servers and problems."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import cast

from mcpool.config.approving import connection_of
from mcpool.config.client import CLIENTS, read_clients
from mcpool.config.document import GIVEN, Document, read_document
from mcpool.config.expand import Expander
from mcpool.config.known_servers import state_at_risk
from mcpool.config.literal_secrets import find_literal_secrets
from mcpool.config.model import Config, DaemonConfig, OAuthStore
from mcpool.config.parse import one_of, seconds, whole
from mcpool.config.placeholders import Placeholders
from mcpool.config.problem import Problem, Report, Spot, dotted
from mcpool.config.read_connectors import read_connectors
from mcpool.config.read_server import Entry, Surroundings, nearest, read_server
from mcpool.config.requirements import read_requirements
from mcpool.config.server import ServerConfig
from mcpool.config.shapes import CONNECTORS, SERVER_TABLES, find_entries, is_foreign
from mcpool.config.table import Table, as_table, kind
from mcpool.config.translate import translate

FILE_NAME = "config.toml"
_OAUTH_STORE = "mcp_oauth_credentials_store"
_TOP_LEVEL = ("mcp_servers", "daemon", "requirements", CLIENTS, CONNECTORS, _OAUTH_STORE)


def load(
    source: Path | str | Mapping[str, object] | Document | None,
    *,
    home: Path,
    environ: Mapping[str, str],
    secret: Callable[[str], str | None] | None = None,
) -> Config:
    """Read a configuration: a file of ours or of another host, a dict of the same shape, or (None) `home/config.toml`.
    A document that was read already is taken as it is.

    Never raises for what the configuration holds: everything wrong is a `Problem`, and the server that it is about is
    left out.
    `environ` answers `${VAR}`, `secret` answers `${keyring:NAME}` (the system's keyring if None, which has 10 s).
    """
    if source is None:
        source = home / FILE_NAME
        if _is_absent(source):
            return Config()
    path = Path(source) if isinstance(source, Path | str) else None
    if isinstance(source, Document):
        document: Document | Problem = source
        path = Path(source.file)
    else:
        document = read_document(path) if path is not None else _given(cast("Mapping[str, object]", source))
    if isinstance(document, Problem):
        return Config(problems=(document,), path=path)
    report = document.report()
    around = Surroundings(Expander(environ, secret or keyring()), document.folder, environ.get("HOME"))
    found = entries(document, report, around.user_home)
    servers = _servers(document, found, around, report)
    _look_around(document, found, report)
    daemon = _daemon(document, report)
    oauth_store = _oauth_store(document, report)
    requirements = read_requirements(document, report)
    writable = _writable(document, found)
    connectors = read_connectors(document, around, report)
    clients = read_clients(document, report)
    return Config(
        servers, in_order(report.problems), daemon, path, oauth_store, requirements, writable, connectors, clients
    )


def check(
    source: Path | str | Mapping[str, object] | None,
    *,
    home: Path,
    environ: Mapping[str, str],
    secret: Callable[[str], str | None] | None = None,
) -> tuple[Problem, ...]:
    """Every problem of a configuration, errors first, else in the order of the file."""
    problems = load(source, home=home, environ=environ, secret=secret).problems
    return tuple(sorted(problems, key=lambda problem: problem.severity != "error"))


def _given(source: Mapping[str, object]) -> Document | Problem:
    """A dict as a document without lines. Relative paths in it are relative to the current folder."""
    data = as_table(source)
    if data is None:
        return Problem("error", GIVEN, None, "", "has keys that are not text", "use names of servers as keys")
    return Document(GIVEN, "dict", data, Path.cwd())


def in_order(problems: list[Problem]) -> tuple[Problem, ...]:
    """The problems in the order of the file."""
    return tuple(sorted(problems, key=lambda problem: problem.line or 0))


def entries(document: Document, report: Report, user_home: str | None) -> list[Entry]:
    """The servers of a document in our keys."""
    placeholders = _placeholders(document, user_home)
    translated = (translate(raw, report, placeholders) for raw in find_entries(document, report))
    return [entry for entry in translated if entry is not None]


def _placeholders(document: Document, user_home: str | None) -> Placeholders:
    folder = document.folder
    in_project = folder.name in (".vscode", ".cursor") and str(folder.parent) != user_home
    return Placeholders(
        workspace=str(folder.parent) if in_project else None,
        bare_dollar=folder.name in (".gemini", ".qwen"),
        braces="opencode" in Path(document.file).name,
    )


def _servers(document: Document, found: list[Entry], around: Surroundings, report: Report) -> tuple[ServerConfig, ...]:
    servers: dict[str, ServerConfig] = {}
    for entry in found:
        server = read_server(entry, around, report)
        if document.readable_by_others:
            _warn_of_secrets(entry, report)
        if server is None:
            continue
        if server.name not in servers:
            servers[server.name] = server
            _warn_of_state(server, document, Spot(report, entry.path))
        elif server != servers[server.name]:
            Spot(report, entry.path).warning(
                f"is a second server called `{server.name}`, and is left out",
                "rename one of them, or let `mcpool import` do it",
            )
    return tuple(servers.values())


def _writable(document: Document, found: list[Entry]) -> dict[str, Table]:
    if document.syntax != "toml" or is_foreign(document):
        return {}
    first: dict[str, Entry] = {}
    for entry in found:
        first.setdefault(entry.name, entry)
    ours = {name: entry for name, entry in first.items() if entry.path == ("mcp_servers", name)}
    return {name: connection_of(entry.table) for name, entry in ours.items()}


def _warn_of_secrets(entry: Entry, report: Report) -> None:
    for secret in find_literal_secrets(entry.name, entry.table):
        spot = entry.spot(str(secret.path[0]), report)
        for part in secret.path[1:]:
            spot = spot.at(part)
        spot.warning(
            "looks like a secret, in a file that other users can read",
            f"chmod 600 {report.file}, or keep it in the keyring and write `${{keyring:{secret.name}}}`",
        )


def _warn_of_state(server: ServerConfig, document: Document, spot: Spot) -> None:
    kept = state_at_risk(server)
    if kept is None:
        return
    in_toml = document.syntax == "toml"
    where = f"under [{dotted(spot.path)}]" if in_toml else "to its entry"
    thread, shared = (f"scope = {scope}" if in_toml else f'"scope": {scope}' for scope in ('"thread"', '"shared"'))
    spot.warning(
        f"is one process for all threads and clients, and {kept}",
        f"add `{thread}` {where} to give each its own, or `{shared}` to keep it so",
    )


def _look_around(document: Document, found: list[Entry], report: Report) -> None:
    """Say what is odd about the document apart from its servers."""
    in_use = {entry.path[0] for entry in found} | set(_TOP_LEVEL) | SERVER_TABLES
    if document.syntax == "toml":
        for name in document.data if not is_foreign(document) else ():
            if name not in in_use:
                Spot(report, (name,)).warning(
                    "is not a table of mcpool and has no effect", nearest(name, list(_TOP_LEVEL))
                )
    elif document.data and in_use.isdisjoint(document.data):
        Spot(report, ()).error("describes no servers", 'write them as {"mcpServers": {"NAME": {"command": "..."}}}')
    for path in document.repeated:
        if any(path[: len(entry.path)] == entry.path[: len(path)] for entry in found):
            Spot(report, path).warning("is written more than once; the last one counts", "remove the others")


def _daemon(document: Document, report: Report) -> DaemonConfig:
    default = DaemonConfig()
    if is_foreign(document):
        return default
    spot = Spot(report, ("daemon",))
    value = document.data.get("daemon", {})
    table = as_table(value)
    if table is None:
        spot.error(f"must be a table, not {kind(value)}", "write [daemon] on a line of its own")
        return default
    errors = report.error_count
    port, idle_exit = default.port, default.idle_exit
    for name, setting in table.items():
        if name == "port":
            port = whole(0, 65535)(setting, spot.at(name))
        elif name == "idle_exit_sec":
            idle_exit = seconds(zero=True)(setting, spot.at(name))
        else:
            spot.at(name).warning(
                "is not a key of the daemon and has no effect", nearest(name, ["port", "idle_exit_sec"])
            )
    return DaemonConfig(port, idle_exit) if report.error_count == errors else default


def _oauth_store(document: Document, report: Report) -> OAuthStore:
    value = None if is_foreign(document) else document.data.get(_OAUTH_STORE)
    if value is None:
        return "auto"
    return cast("OAuthStore", one_of("auto", "keyring", "file")(value, Spot(report, (_OAUTH_STORE,))))


def _is_absent(path: Path) -> bool:
    # Anything but plain absence is for the reader to report.
    try:
        path.lstat()
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return False


def keyring() -> Callable[[str], str | None]:
    """What looks secrets up in the system's keyring, and gives up if that does not answer.

    Whoever reads more than once keeps it: what hangs is asked again only when it goes on.
    """

    @cache
    def reader() -> Callable[[str], str | None]:
        from mcpool.config.secrets import PatientKeyring

        return PatientKeyring().secret

    return lambda name: reader()(name)

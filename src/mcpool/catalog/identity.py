"""What a live connection depends on. Equal identities may share a process; everything else is view.

Secrets (environment values, header values, arguments, the path and query of a URL) take part in equality and digests
but never in a `repr` or a message.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterable
from dataclasses import astuple, dataclass, field, replace
from pathlib import PurePath
from urllib.parse import urlsplit

from mcpool.config.server import CLIENT_CWD, Http, Pairs, ServerConfig, Stdio


@dataclass(frozen=True, slots=True)
class Place:
    """Where and for whom a server would run: what `identify` needs besides the configuration."""

    cwd: str
    """The thread's folder, absolute: for servers that follow it."""
    base_env: Pairs = field(default=(), repr=False)
    """The inherited environment, already reduced to the whitelist."""
    principal: str = ""
    command: str = ""
    """The server's command as found on the PATH; empty leaves it as it is written."""
    lookup: Pairs = field(default=(), repr=False)
    """Values of the variables that the configuration names (`env_vars`, bearer token, headers); unset ones absent."""
    capabilities: str = "all"
    """The class of the client's capabilities; counts only for `client_capabilities = "mirror"`."""
    roots: tuple[str, ...] | None = None
    """The client's root URIs where the server depends on them, else None."""
    handle: int = 0
    """Which connection to its environment is meant, if that is not this machine."""


@dataclass(frozen=True, slots=True)
class StdioIdentity:
    """A process: equal ones are interchangeable. `env` is its complete environment, sorted."""

    command: str
    args: tuple[str, ...] = field(repr=False)
    env: Pairs = field(repr=False)
    cwd: str
    environment: str = "local"
    capabilities: str = "all"
    roots: tuple[str, ...] | None = None
    era: str = "auto"
    remote_env: tuple[str, ...] = ()
    """Names of the variables whose values only the executor knows."""
    handle: int = 0
    """Which connection to the environment it is: one that was lost and attached anew is another."""
    connectors: bool = False
    """Whether it may speak for connectors: what another says of them is taken out of its list of tools."""


Completed = tuple[str, str, str]
"""A header's name in lower case, the beginning of its value, and the executor's variable with the rest."""


@dataclass(frozen=True, slots=True)
class HttpIdentity:
    """An endpoint as one principal reaches it. `headers` are complete, their names in lower case, sorted."""

    url: str = field(repr=False)
    headers: Pairs = field(repr=False)
    principal: str
    environment: str = "local"
    capabilities: str = "all"
    roots: tuple[str, ...] | None = None
    era: str = "auto"
    helper: tuple[str, str] | None = field(default=None, repr=False)
    """The command that prints more headers, and the folder in which it runs."""
    oauth: Pairs = ()
    """How the credentials are obtained."""
    handle: int = 0
    """Which connection to the environment it is."""
    own_credentials: str | None = field(default=None, repr=False)
    """The secret or key of a client that signs in by itself."""
    connectors: bool = False
    """Whether it may speak for connectors."""
    completed: tuple[Completed, ...] = ()
    """Headers whose values only the executor knows, sorted."""


Identity = StdioIdentity | HttpIdentity


def identify(server: ServerConfig, place: Place) -> Identity:
    """The identity of `server` at `place`. Timeouts, filters, approvals, names and scope are no part of it."""
    if isinstance(server.transport, Stdio):
        return _identify_stdio(server, server.transport, place)
    return _identify_http(server, server.transport, place)


def missing(server: ServerConfig, place: Place) -> tuple[str, ...]:
    """Names of the variables without which the server cannot start: its bearer token's and its headers'."""
    if isinstance(server.transport, Stdio) or server.transport.variables_source == "remote":
        return ()
    known = {name for name, value in place.lookup if value}
    wanted = [variable for _, variable in server.transport.env_http_headers]
    if server.transport.bearer_token_env_var is not None:
        wanted.append(server.transport.bearer_token_env_var)
    return tuple(sorted({variable for variable in wanted if variable not in known}))


def digest(identity: Identity, key: bytes) -> str:
    """HMAC-SHA256 of the identity in hex, and without `key` it tells nothing of it. Equal for equal identities, and for
    those that differ only in the connection to their environment."""
    lasting = replace(identity, handle=0)
    canonical = json.dumps([type(identity).__name__, *astuple(lasting)], separators=(",", ":"))
    return hmac.new(key, canonical.encode("ascii"), hashlib.sha256).hexdigest()


def differences(a: Identity, b: Identity) -> tuple[str, ...]:
    """Why two identities are two connections: sentences for a person, without secret values. Equal ones have none."""
    if isinstance(a, StdioIdentity) and isinstance(b, StdioIdentity):
        own = _stdio_differences(a, b)
    elif isinstance(a, HttpIdentity) and isinstance(b, HttpIdentity):
        own = _http_differences(a, b)
    else:
        return ("transport: one is a process, the other a URL",)
    return (*own, *_shared_differences(a, b))


def _identify_stdio(server: ServerConfig, stdio: Stdio, place: Place) -> StdioIdentity:
    lookup = dict(place.lookup)
    local = {variable.name for variable in stdio.env_vars if variable.source == "local"}
    env = dict(place.base_env) | {name: lookup[name] for name in local if name in lookup} | dict(stdio.env)
    cwd = PurePath(place.cwd) if stdio.cwd == CLIENT_CWD else PurePath(place.cwd, stdio.cwd)
    return StdioIdentity(
        command=place.command or stdio.command,
        args=stdio.args,
        env=tuple(sorted(env.items())),
        cwd=str(cwd),
        environment=server.environment_id,
        capabilities=_capabilities(server, place),
        roots=_roots(place),
        era=server.era,
        remote_env=tuple(sorted({variable.name for variable in stdio.env_vars if variable.source == "remote"})),
        handle=place.handle,
        connectors=server.connectors,
    )


def _identify_http(server: ServerConfig, http: Http, place: Place) -> HttpIdentity:
    lookup = dict(place.lookup)
    headers = {name.lower(): value for name, value in http.http_headers}
    named = {name.lower(): ("", variable) for name, variable in http.env_http_headers}
    if http.bearer_token_env_var is not None:
        named["authorization"] = ("Bearer ", http.bearer_token_env_var)
    completed: tuple[Completed, ...] = ()
    if http.variables_source == "remote":
        completed = tuple(sorted((name, start, variable) for name, (start, variable) in named.items()))
    else:
        headers |= {name: start + lookup[var] for name, (start, var) in named.items() if var in lookup}
    helper = None
    if http.http_headers_helper is not None:
        helper = (http.http_headers_helper, str(PurePath(place.cwd)))
    return HttpIdentity(
        url=http.url,
        headers=tuple(sorted(headers.items())),
        principal=place.principal,
        environment=server.environment_id,
        capabilities=_capabilities(server, place),
        roots=_roots(place),
        era=server.era,
        helper=helper,
        oauth=_oauth(http),
        handle=place.handle,
        own_credentials=_own_credentials(http),
        connectors=server.connectors,
        completed=completed,
    )


def _oauth(http: Http) -> Pairs:
    settings = {
        "auth": http.auth,
        "scopes": " ".join(sorted(http.scopes)) or None,
        "client_id": http.oauth_client_id,
        "grant_type": http.oauth_grant_type if http.oauth_grant_type == "client_credentials" else None,
        "issuer": http.oauth_issuer,
        "resource": http.oauth_resource,
    }
    return tuple(sorted((name, value) for name, value in settings.items() if value is not None))


def _own_credentials(http: Http) -> str | None:
    return http.oauth_private_key or http.oauth_client_secret if http.oauth_grant_type == "client_credentials" else None


def _capabilities(server: ServerConfig, place: Place) -> str:
    return place.capabilities if server.client_capabilities == "mirror" else server.client_capabilities


def _roots(place: Place) -> tuple[str, ...] | None:
    return None if place.roots is None else tuple(sorted(set(place.roots)))


def _stdio_differences(a: StdioIdentity, b: StdioIdentity) -> Iterable[str]:
    if a.command != b.command:
        yield f"command: {a.command} and {b.command}"
    if a.args != b.args:
        yield f"args: they differ {_where(a.args, b.args)}"
    if a.cwd != b.cwd:
        yield f"cwd: {a.cwd} and {b.cwd}; `cwd = {json.dumps(a.cwd)}` in the configuration makes it one process"
    if a.env != b.env:
        yield f"env: {_names(a.env, b.env)}; set the same value in `env` to make it one process"
    if a.remote_env != b.remote_env:
        yield f"env_vars from the executor: {_listed(a.remote_env)} and {_listed(b.remote_env)}"


def _http_differences(a: HttpIdentity, b: HttpIdentity) -> Iterable[str]:
    if a.url != b.url:
        hosts = urlsplit(a.url).hostname, urlsplit(b.url).hostname
        yield "url: they differ in path or query" if hosts[0] == hosts[1] else f"url: host {hosts[0]} and {hosts[1]}"
    if a.headers != b.headers:
        yield f"headers: {_names(a.headers, b.headers)}"
    if a.completed != b.completed:
        yield "headers from the executor: other names, or other variables of it"
    if a.principal != b.principal:
        yield f"principal: {a.principal!r} and {b.principal!r}; each has a connection with their own credentials"
    if a.helper != b.helper:
        yield "http_headers_helper: another command or folder"
    if a.oauth != b.oauth:
        yield f"oauth: {_names(a.oauth, b.oauth)}"
    if a.own_credentials != b.own_credentials:
        yield "oauth: another secret or key of the client"


def _shared_differences(a: Identity, b: Identity) -> Iterable[str]:
    if a.environment != b.environment:
        yield f"environment_id: {a.environment} and {b.environment}"
    elif a.handle != b.handle:
        yield f"environment {a.environment}: it was lost, and attached anew"
    if a.capabilities != b.capabilities:
        yield (
            f"client capabilities: {a.capabilities} and {b.capabilities}; "
            '`client_capabilities = "all"` in the configuration makes it one'
        )
    if a.connectors != b.connectors:
        yield "connectors: one of them is the server for connectors"
    if a.era != b.era:
        yield f"era: {a.era} and {b.era}"
    if a.roots != b.roots:
        yield f"roots: {_listed(a.roots)} and {_listed(b.roots)}; this server depends on its client's roots"


def _where(a: tuple[str, ...], b: tuple[str, ...]) -> str:
    if len(a) != len(b):
        return f"in number ({len(a)} and {len(b)})"
    return "at position " + ", ".join(str(n) for n, (x, y) in enumerate(zip(a, b, strict=True), 1) if x != y)


def _names(a: Pairs, b: Pairs) -> str:
    """The names whose values differ, with what is the matter: never the values."""
    left, right = dict(a), dict(b)
    words: list[str] = []
    for name in sorted(left.keys() | right.keys()):
        if name not in left or name not in right:
            words.append(f"{name} is set in one only")
        elif left[name] != right[name]:
            words.append(f"{name} has two values")
    return ", ".join(words)


def _listed(values: tuple[str, ...] | None) -> str:
    return ", ".join(values) if values else "none"

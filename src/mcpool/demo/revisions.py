"""The two eras of the protocol, as far as a server without state sees them."""

from __future__ import annotations

from collections.abc import Mapping

from mcpool._version import __version__
from mcpool.demo.tool import Json

HANDSHAKE_VERSIONS = ("2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25")
MODERN_VERSION = "2026-07-28"
SERVER_INFO: Json = {"name": "mcpool-demo", "title": "mcpool demo", "version": __version__}
CAPABILITIES: Json = {"tools": {}, "resources": {}, "prompts": {}}

_VERSION_KEY = "io.modelcontextprotocol/protocolVersion"
_SERVER_INFO_KEY = "io.modelcontextprotocol/serverInfo"
_CACHEABLE = frozenset(
    {
        "server/discover",
        "tools/list",
        "resources/list",
        "resources/templates/list",
        "resources/read",
        "prompts/list",
    }
)
_CACHE_MS = 3_600_000


def claimed_version(method: str, meta: Mapping[str, object]) -> object | None:
    """The revision that a request claims for itself, None in the handshake era."""
    return meta.get(_VERSION_KEY, MODERN_VERSION if method == "server/discover" else None)


def agreed_version(offered: object) -> str:
    """What `initialize` answers: the client's version, or the newest that has a handshake."""
    return offered if isinstance(offered, str) and offered in HANDSHAKE_VERSIONS else HANDSHAKE_VERSIONS[-1]


def stamped(method: str, result: Json) -> Json:
    """`result` with what the modern era wants in every result, and in those that may be cached."""
    cache: Json = {"ttlMs": _CACHE_MS, "cacheScope": "public"} if method in _CACHEABLE else {}
    return {"resultType": "complete", **cache, **result, "_meta": {_SERVER_INFO_KEY: SERVER_INFO}}

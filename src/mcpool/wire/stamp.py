"""The `_meta` of a request: what 2026-07-28 wants with each one, the progress token, and the caller's own keys."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Raw

from mcpool.wire.envelope import encode_json
from mcpool.wire.params import join, value
from mcpool.wire.revisions import (
    META_CLIENT_CAPABILITIES,
    META_CLIENT_INFO,
    META_LOG_LEVEL,
    META_PROTOCOL_VERSION,
    PROGRESS_TOKEN,
    RESERVED_META_PREFIX,
)


def passed_on(meta: Mapping[str, bytes | Raw]) -> dict[str, bytes | Raw]:
    """The keys of a caller's `_meta` that are the caller's to set: all but the protocol's own."""
    return {
        key: part for key, part in meta.items() if key != PROGRESS_TOKEN and not key.startswith(RESERVED_META_PREFIX)
    }


class Stamp:
    """What a session puts into every request's `_meta`. The handshake revisions want nothing there."""

    __slots__ = ("_capabilities", "_head")

    def __init__(self, version: str | None, client_info: bytes, capabilities: bytes) -> None:
        """`version` is the modern revision in use, or None in the handshake era.

        Raises:
            ValueError: `client_info` or `capabilities` is not valid JSON.
        """
        self._capabilities = bytes(value(capabilities))
        self._head: bytes | None = None
        if version is not None:
            fixed = join({META_PROTOCOL_VERSION: encode_json(version), META_CLIENT_INFO: client_info})
            self._head = b'%b,"%b":' % (fixed[1:-1], META_CLIENT_CAPABILITIES.encode())

    def meta(
        self,
        own: Mapping[str, bytes | Raw] | None,
        *,
        progress_token: int | None = None,
        capabilities: bytes | None = None,
        log_level: str | None = None,
    ) -> Raw | None:
        """The `_meta` of one request, or None if it needs none. `capabilities` replaces the session's.

        Raises:
            ValueError: a value is not valid JSON.
        """
        members: list[bytes] = []
        if self._head is not None:
            members.append(self._head + (self._capabilities if capabilities is None else bytes(value(capabilities))))
            if log_level is not None:
                members.append(b'"%b":%b' % (META_LOG_LEVEL.encode(), encode_json(log_level)))
        if progress_token is not None:
            members.append(b'"progressToken":%d' % progress_token)
        if own and (vendor := passed_on(own)):
            members.append(join(vendor)[1:-1])
        return Raw(b"{%b}" % b",".join(members)) if members else None

"""The `_meta` of a request: what 2026-07-28 wants with each one, the progress token, and the caller's own keys."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Raw

from mcpool.wire.envelope import encode_json
from mcpool.wire.params import join
from mcpool.wire.revisions import (
    META_CLIENT_CAPABILITIES,
    META_CLIENT_INFO,
    META_LOG_LEVEL,
    META_PROTOCOL_VERSION,
    PROGRESS_TOKEN,
    RESERVED_META_PREFIX,
)

Meta = dict[str, bytes | Raw]


def passed_on(meta: Mapping[str, bytes | Raw]) -> Meta:
    """The keys of a caller's `_meta` that are the caller's to set: all but the protocol's own."""
    return {
        key: part for key, part in meta.items() if key != PROGRESS_TOKEN and not key.startswith(RESERVED_META_PREFIX)
    }


class Stamp:
    """What a session puts into every request's `_meta`. The handshake revisions want nothing there."""

    __slots__ = ("_capabilities", "_fixed")

    def __init__(self, version: str | None, client_info: bytes, capabilities: bytes) -> None:
        """`version` is the modern revision in use, or None in the handshake era.

        Raises:
            ValueError: `client_info` or `capabilities` is not valid JSON.
        """
        self._capabilities = capabilities
        self._fixed: Meta = (
            {}
            if version is None
            else {
                META_PROTOCOL_VERSION: Raw(encode_json(version)),
                META_CLIENT_INFO: Raw(client_info),
                META_CLIENT_CAPABILITIES: Raw(capabilities),
            }
        )
        join(self._fixed)

    def meta(
        self,
        own: Mapping[str, bytes | Raw] | None,
        *,
        progress_token: int | None = None,
        capabilities: bytes | None = None,
        log_level: str | None = None,
    ) -> Raw | None:
        """The `_meta` of one request, or None if it needs none. `capabilities` replaces the session's."""
        fields = self._fixed
        if own or progress_token is not None or capabilities is not None or log_level is not None:
            fields = {**passed_on(own or {}), **fields}
            if self._fixed:
                if capabilities is not None:
                    fields[META_CLIENT_CAPABILITIES] = capabilities
                if log_level is not None:
                    fields[META_LOG_LEVEL] = Raw(encode_json(log_level))
            if progress_token is not None:
                fields[PROGRESS_TOKEN] = Raw(b"%d" % progress_token)
        return Raw(join(fields)) if fields else None

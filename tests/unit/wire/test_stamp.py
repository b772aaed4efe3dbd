"""The `_meta` of a request."""

from __future__ import annotations

import json
from typing import Any

import pytest
from msgspec import Raw

from mcpool.wire.revisions import (
    META_CLIENT_CAPABILITIES,
    META_CLIENT_INFO,
    META_LOG_LEVEL,
    META_PROTOCOL_VERSION,
)
from mcpool.wire.stamp import Stamp

MODERN = Stamp("2026-07-28", b'{"name":"mcpool",\n"version":"1"}', b'{"elicitation":{}}')
HANDSHAKE = Stamp(None, b'{"name":"mcpool"}', b"{}")

STAMPED: dict[str, Any] = {
    META_PROTOCOL_VERSION: "2026-07-28",
    META_CLIENT_INFO: {"name": "mcpool", "version": "1"},
    META_CLIENT_CAPABILITIES: {"elicitation": {}},
}


def read(meta: Raw | None) -> dict[str, Any]:
    assert meta is not None
    return json.loads(bytes(meta), object_pairs_hook=unambiguous)


def unambiguous(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    keys = [key for key, _ in pairs]
    assert len(keys) == len(set(keys))
    return dict(pairs)


def test_every_modern_request_says_who_asks_and_in_which_revision() -> None:
    assert read(MODERN.meta(None)) == STAMPED


def test_a_handshake_request_needs_nothing() -> None:
    assert HANDSHAKE.meta(None, capabilities=b"{}", log_level="debug") is None


def test_vendor_keys_pass_and_the_protocol_s_own_are_ours() -> None:
    own = {
        "traceparent": b'"00-a"',
        "vendor/x": Raw(b'{"a": 1}'),
        "progressToken": b'"theirs"',
        META_CLIENT_INFO: b'{"name":"forged"}',
        "io.modelcontextprotocol/other": b"1",
    }

    assert read(MODERN.meta(own, progress_token=7)) == STAMPED | {
        "traceparent": "00-a",
        "vendor/x": {"a": 1},
        "progressToken": 7,
    }
    assert read(HANDSHAKE.meta(own)) == {"traceparent": "00-a", "vendor/x": {"a": 1}}


def test_a_request_may_declare_capabilities_and_a_log_level_of_its_own() -> None:
    assert read(MODERN.meta(None, capabilities=b'{"sampling":{}}', log_level="debug")) == STAMPED | {
        META_CLIENT_CAPABILITIES: {"sampling": {}},
        META_LOG_LEVEL: "debug",
    }


def test_a_progress_token_alone_is_enough_for_a_handshake_meta() -> None:
    assert HANDSHAKE.meta({"progressToken": b"1"}, progress_token=7) == Raw(b'{"progressToken":7}')


def test_nothing_but_reserved_keys_leaves_no_meta() -> None:
    assert HANDSHAKE.meta({"progressToken": b"1"}) is None


@pytest.mark.parametrize("broken", [b'{},"x":1', b"", b"{"])
def test_what_is_no_json_cannot_be_stamped(broken: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        Stamp("2026-07-28", b"{}", broken)
    with pytest.raises(ValueError, match=r"."):
        MODERN.meta(None, capabilities=broken)
    with pytest.raises(ValueError, match=r"."):
        MODERN.meta({"vendor": broken})

"""Our constants are the SDK's."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping

import mcp_types
import pytest
from mcp.shared.subscriptions import SUBSCRIPTION_ID_META_KEY
from mcp_types import jsonrpc, methods, version

from mcpool.wire import revisions


def test_revisions_are_equal() -> None:
    assert revisions.KNOWN_VERSIONS == version.KNOWN_PROTOCOL_VERSIONS
    assert revisions.HANDSHAKE_VERSIONS == version.HANDSHAKE_PROTOCOL_VERSIONS
    assert revisions.MODERN_VERSIONS == version.MODERN_PROTOCOL_VERSIONS
    assert revisions.LATEST_HANDSHAKE == version.LATEST_HANDSHAKE_VERSION
    assert revisions.LATEST_MODERN == version.LATEST_MODERN_VERSION


def test_reserved_keys_are_equal() -> None:
    assert revisions.META_PROTOCOL_VERSION == mcp_types.PROTOCOL_VERSION_META_KEY
    assert revisions.META_CLIENT_INFO == mcp_types.CLIENT_INFO_META_KEY
    assert revisions.META_CLIENT_CAPABILITIES == mcp_types.CLIENT_CAPABILITIES_META_KEY
    assert revisions.META_LOG_LEVEL == mcp_types.LOG_LEVEL_META_KEY
    assert revisions.META_SERVER_INFO == mcp_types.SERVER_INFO_META_KEY
    assert revisions.META_SUBSCRIPTION_ID == SUBSCRIPTION_ID_META_KEY


@pytest.mark.parametrize(
    "name",
    [
        "PARSE_ERROR",
        "INVALID_REQUEST",
        "METHOD_NOT_FOUND",
        "INVALID_PARAMS",
        "INTERNAL_ERROR",
        "REQUEST_TIMEOUT",
        "HEADER_MISMATCH",
        "MISSING_REQUIRED_CLIENT_CAPABILITY",
        "UNSUPPORTED_PROTOCOL_VERSION",
        "URL_ELICITATION_REQUIRED",
    ],
)
def test_error_codes_are_equal(name: str) -> None:
    assert getattr(revisions, name) == getattr(jsonrpc, name)


@pytest.mark.parametrize("revision", revisions.KNOWN_VERSIONS)
def test_methods_are_equal(revision: str) -> None:
    def of(table: Mapping[tuple[str, str], object]) -> set[str]:
        return {method for method, known in table if known == revision}

    assert revisions.client_requests(revision) == of(methods.CLIENT_REQUESTS)
    assert revisions.server_requests(revision) == of(methods.SERVER_REQUESTS)
    assert revisions.server_notifications(revision) == of(methods.SERVER_NOTIFICATIONS)


def test_method_sets_are_equal() -> None:
    assert revisions.INPUT_REQUIRED_METHODS == methods.INPUT_REQUIRED_METHODS
    assert set(methods.CACHEABLE_METHODS) == revisions.CACHEABLE_METHODS


def test_nothing_heavy_is_imported_with_the_wire() -> None:
    code = (
        "import sys, mcpool.wire.session; "
        "print(sorted({'mcp', 'mcp_types', 'pydantic', 'anyio'} & {name.split('.')[0] for name in sys.modules}))"
    )

    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert printed.stdout.strip() == "[]"

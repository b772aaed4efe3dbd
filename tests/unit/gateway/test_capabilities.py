"""What clients can do, and what servers can do together."""

from __future__ import annotations

import pytest

from mcpool.backend.holder import Root
from mcpool.gateway.capabilities import client_facts, merged, read_roots


@pytest.mark.parametrize(
    ("raw", "form", "url", "sampling", "roots"),
    [
        (b"{}", False, False, False, False),
        (b'{"elicitation":{}}', True, False, False, False),
        (b'{"elicitation":{"form":{}}}', True, False, False, False),
        (b'{"elicitation":{"url":{}}}', False, True, False, False),
        (b'{"elicitation":{"form":{},"url":{}},"sampling":{"tools":{}}}', True, True, True, False),
        (b'{"roots":{"listChanged":true}}', False, False, False, True),
        (b'{"elicitation":7}', False, False, False, False),
        (b"[]", False, False, False, False),
    ],
)
def test_declared_capabilities(raw: bytes, form: bool, url: bool, sampling: bool, roots: bool) -> None:
    facts, wants_roots = client_facts(raw)
    assert (facts.elicitation_form, facts.elicitation_url, facts.sampling, wants_roots) == (form, url, sampling, roots)
    assert facts.roots is None


def test_roots_are_read_or_nothing() -> None:
    assert read_roots(b'{"roots":[{"uri":"file:///a","name":"A"},{"uri":"file:///b"}]}') == (
        Root("file:///a", "A"),
        Root("file:///b"),
    )
    assert read_roots(b'{"roots":7}') is None


def test_capabilities_of_all_are_those_of_any() -> None:
    one: dict[str, object] = {"tools": {"listChanged": False}, "experimental": {"x": {}}}
    two: dict[str, object] = {"tools": {"listChanged": True}, "resources": {"subscribe": True}}
    assert merged([one, two]) == {"tools": {"listChanged": True}, "resources": {"subscribe": True}}


def test_everything_is_offered_while_a_server_is_unknown() -> None:
    assert set(merged([{"tools": {}}, None])) == {"tools", "prompts", "resources", "logging", "completions"}
    assert merged([]) == merged([None])

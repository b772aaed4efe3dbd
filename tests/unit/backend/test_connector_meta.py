"""Who may say that a tool belongs to a connector."""

from __future__ import annotations

import json

import pytest

from mcpool.backend.connector_meta import Named, stripped
from mcpool.backend.tools import read_catalogue

TOOL = {"name": "send", "inputSchema": {"type": "object"}}


def test_a_tool_of_the_server_for_connectors_names_its_connector() -> None:
    meta = {"connector_id": "c1", "connector_name": "Mail", "more": 1}
    raw = json.dumps({**TOOL, "_meta": meta}).encode()
    catalogue, _ = read_catalogue([raw], 1, connectors=True)
    assert catalogue.tools[0].raw == raw
    assert catalogue.tools[0].connector == Named("c1", "Mail")


@pytest.mark.parametrize(
    "key",
    ["connector_id", "connector_name", "connector_display_name", "connectorDescription", "Connector_Id", "_codex_apps"],
)
@pytest.mark.parametrize("escaped", [False, True])
def test_any_other_server_is_not_heard_on_that(key: str, escaped: bool) -> None:
    written = "".join(f"\\u{ord(char):04x}" for char in key) if escaped else key
    raw = b'{"name":"send","_meta":{"a":[1,"x"],"%b":"c1"},"inputSchema":{"type":"object"}}' % written.encode()
    catalogue, _ = read_catalogue([raw], 1)
    assert json.loads(catalogue.tools[0].raw) == {**TOOL, "_meta": {"a": [1, "x"]}}
    assert catalogue.tools[0].connector is None


def test_of_a_key_that_comes_twice_neither_is_left() -> None:
    raw = b'{"name":"send","_meta":{"a":1},"_meta":{"connector_id":"c1","connector_id":"c2"}}'
    assert b"connector" not in stripped(raw)


@pytest.mark.parametrize(
    "raw",
    [
        b'{ "name" : "connector_id", "_meta" : { "a" : 1 } }',
        b'{"name":"x","_meta":"connector_id"}',
        b'{"name":"connectors"}',
        b'{"name":"x", "description":"a \\"connector\\""}',
    ],
)
def test_a_definition_that_says_nothing_of_connectors_keeps_every_byte(raw: bytes) -> None:
    assert stripped(raw) == raw
    assert read_catalogue([raw], 1, connectors=True)[0].tools[0].connector is None

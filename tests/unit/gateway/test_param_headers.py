"""Headers that repeat arguments."""

from __future__ import annotations

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcpool.gateway.failure import Failure
from mcpool.gateway.header_checks import header_checks
from mcpool.gateway.param_headers import Declared, check, declared

REGION = {"type": "string", "x-mcp-header": "Region"}


def test_declared_arguments_are_found_at_any_depth_of_properties() -> None:
    inner = {"type": "object", "properties": {"count": {"type": "integer", "x-mcp-header": "Count"}}}
    schema = {"properties": {"region": REGION, "deep": inner, "plain": {"type": "string"}}}
    assert sorted(declared(schema)) == [
        Declared(("deep", "count"), "mcp-param-count", "integer"),
        Declared(("region",), "mcp-param-region", "string"),
    ]


@pytest.mark.parametrize(
    "schema",
    [
        REGION,
        {"properties": {"a": {"items": REGION}}},
        {"anyOf": [{"properties": {"a": REGION}}]},
        {"$defs": {"a": REGION}},
        {"properties": {"a": REGION, "b": {**REGION, "x-mcp-header": "REGION"}}},
        {"properties": {"a": {"type": "number", "x-mcp-header": "a"}}},
        {"properties": {"a": {"type": ["string"], "x-mcp-header": "a"}}},
        {"properties": {"a": {"type": "string", "x-mcp-header": ""}}},
        {"properties": {"a": {"type": "string", "x-mcp-header": "a b"}}},
        {"properties": {"a": {"type": "string", "x-mcp-header": 7}}},
        {"properties": {"ok": REGION, "a": {"type": "string", "x-mcp-header": "é"}}},
    ],
)
def test_wrong_declaration_declares_nothing(schema: object) -> None:
    assert declared(schema) == ()


def test_keyword_in_data_is_no_declaration() -> None:
    assert declared({"properties": {"a": REGION}, "default": {"x-mcp-header": 1}, "const": [REGION]}) != ()


ENTRIES = (
    Declared(("region",), "mcp-param-region", "string"),
    Declared(("n",), "mcp-param-n", "integer"),
    Declared(("on",), "mcp-param-on", "boolean"),
)


@pytest.mark.parametrize(
    ("arguments", "headers"),
    [
        ({}, []),
        (None, []),
        ({"region": None, "other": 1}, [(b"mcp-param-other", b"x")]),
        ({"region": "eu", "n": 42, "on": True}, [("region", "eu"), ("n", "42"), ("on", "true")]),
        ({"n": 42.0}, [("n", "42")]),
        ({"n": 42}, [("n", "42.00")]),
        ({"n": -1}, [("n", "-1")]),
        ({"region": ["not", "written"]}, []),
    ],
)
def test_headers_that_agree(arguments: object, headers: list[tuple[str | bytes, str | bytes]]) -> None:
    check(ENTRIES, arguments, [_pair(*header) for header in headers])


@pytest.mark.parametrize(
    ("arguments", "headers"),
    [
        ({"region": "eu"}, []),
        ({}, [("region", "eu")]),
        ({"region": "eu"}, [("region", "us")]),
        ({"region": "eu"}, [("region", "eu"), ("region", "eu")]),
        ({"region": "eu"}, [("region", "=?base64?!!?=")]),
        ({"region": ["x"]}, [("region", "x")]),
        ({"n": 42}, [("n", "42.5")]),
        ({"n": 42}, [("n", "4.2e1")]),
        ({"n": 42}, [("n", "9" * 5000)]),
        ({"on": True}, [("on", "True")]),
        ({"on": True}, [("on", "1")]),
    ],
)
def test_headers_that_do_not_agree(arguments: object, headers: list[tuple[str | bytes, str | bytes]]) -> None:
    with pytest.raises(Failure) as caught:
        check(ENTRIES, arguments, [_pair(*header) for header in headers])
    assert caught.value.code == -32020


@given(st.text())
def test_any_text_agrees_with_itself_when_wrapped(text: str) -> None:
    wrapped = b"=?base64?%b?=" % base64.b64encode(text.encode())
    check(ENTRIES, {"region": text}, [(b"mcp-param-region", wrapped)])


def test_only_tools_that_declare_something_are_checked() -> None:
    with_header = {"name": "a", "inputSchema": {"properties": {"region": REGION}}}
    definitions = [
        json.dumps(with_header).encode(),
        b'{"name":"b","inputSchema":{}}',
        b'{"name":"x-mcp-header","inputSchema":{}}',
        b'"x-mcp-header"',
    ]
    assert list(header_checks(definitions)) == ["a"]


def _pair(name: str | bytes, value: str | bytes) -> tuple[bytes, bytes]:
    if isinstance(name, str):
        name = b"mcp-param-" + name.encode()
    return name, value if isinstance(value, bytes) else value.encode()

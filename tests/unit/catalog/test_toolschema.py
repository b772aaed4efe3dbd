"""Tool definitions for a model, and their digests."""

from __future__ import annotations

import copy
import json
import random
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcpool.catalog.toolschema import definition_digest, for_model, is_model_visible

Json = dict[str, object]


def entry(value: object, *path: str) -> object:
    for key in path:
        value = cast("Json", value)[key]
    return value


def size(value: object) -> int:
    return len(json.dumps(value, separators=(",", ":")).encode())


@pytest.mark.parametrize("schema", [{}, {"type": "object"}, {"type": "object", "properties": None}, {"type": "null"}])
def test_a_schema_always_describes_an_object_with_properties(schema: Json):
    assert for_model(schema) == {"type": "object", "properties": {}}


def test_a_schema_of_common_keywords_stays_as_it_is():
    schema: Json = {
        "type": "object",
        "properties": {
            "path": {"type": "string", "description": "Where", "pattern": "^/", "default": "/"},
            "depth": {"type": ["integer", "null"], "minimum": 1, "exclusiveMaximum": 9},
            "kinds": {"type": "array", "items": {"enum": ["a", "b"]}, "uniqueItems": True},
            "node": {"anyOf": [{"$ref": "#/$defs/Node"}, {"type": "null"}]},
        },
        "required": ["path"],
        "additionalProperties": False,
        "$defs": {"Node": {"type": "object", "properties": {"next": {"$ref": "#/$defs/Node"}}}},
    }
    assert for_model(schema) == schema


def test_unsupported_keywords_are_dropped_at_every_level():
    schema: Json = {
        "$schema": "x",
        "$id": "y",
        "title": "T",
        "x-vendor": 1,
        "properties": {"a": {"type": "string", "title": "A", "if": {}, "items": {"$comment": "c", "type": "string"}}},
    }
    assert entry(for_model(schema), "properties") == {"a": {"type": "string", "items": {"type": "string"}}}
    assert for_model(schema).keys() == {"type", "properties"}


def test_keywords_of_the_wrong_kind_are_dropped():
    schema: Json = {"properties": {"a": {"type": 3, "exclusiveMinimum": True, "enum": "x", "required": "a"}}}
    assert entry(for_model(schema), "properties", "a") == {}


def test_boolean_schemas_become_what_they_mean():
    schema: Json = {"properties": {"any": True, "never": False, "list": {"items": True}}}
    assert entry(for_model(schema), "properties") == {"any": {}, "list": {"items": {}}}


def test_only_definitions_that_something_leads_to_are_kept():
    schema: Json = {
        "properties": {"a": {"$ref": "#/$defs/A"}, "b": {"$ref": "#/definitions/odd~1name"}},
        "$defs": {"A": {"items": {"$ref": "#/$defs/B"}}, "B": {}, "C": {"items": {"$ref": "#/$defs/D"}}, "D": {}},
        "definitions": {"odd/name": {"type": "string"}, "unused": {}},
    }
    result = for_model(schema)
    assert cast("Json", result["$defs"]).keys() == {"A", "B"}
    assert cast("Json", result["definitions"]).keys() == {"odd/name"}


def test_a_reference_into_the_properties_is_kept_while_it_leads_somewhere():
    schema: Json = {"properties": {"a": {"type": "string"}, "b": {"$ref": "#/properties/a"}, "c": {"$ref": "#/no"}}}
    assert entry(for_model(schema), "properties", "b") == {"$ref": "#/properties/a"}
    assert entry(for_model(schema), "properties", "c") == {}


@pytest.mark.parametrize(("index", "kept"), [("0", True), ("1", False), ("9" * 5_000, False), ("-1", False)])
def test_a_reference_into_a_list_is_kept_while_it_leads_somewhere(index: str, kept: bool):
    reference = f"#/properties/a/anyOf/{index}"
    schema: Json = {"properties": {"a": {"anyOf": [{"type": "string"}]}, "b": {"$ref": reference}}}
    assert entry(for_model(schema), "properties", "b") == ({"$ref": reference} if kept else {})


def test_a_reference_to_elsewhere_is_dropped():
    schema: Json = {"properties": {"a": {"$ref": "https://example.test/schema", "type": "string"}}}
    assert entry(for_model(schema), "properties", "a") == {"type": "string"}


def test_alternatives_at_the_root_become_properties_and_stay_required_only_in_common():
    schema: Json = {
        "type": "object",
        "properties": {"kind": {"type": "string"}},
        "required": ["kind"],
        "oneOf": [
            {"properties": {"kind": {"const": "a"}, "x": {"type": "string"}, "z": {}}, "required": ["x", "z"]},
            {"$ref": "#/$defs/B"},
        ],
        "$defs": {"B": {"properties": {"y": {"type": "integer"}, "z": {}}, "required": ["y", "z"]}},
    }
    assert for_model(schema) == {
        "type": "object",
        "properties": {"kind": {"type": "string"}, "x": {"type": "string"}, "y": {"type": "integer"}, "z": {}},
        "required": ["kind", "z"],
    }


def test_all_parts_of_a_conjunction_at_the_root_stay_required():
    schema: Json = {
        "allOf": [{"properties": {"a": {}}, "required": ["a"]}, {"properties": {"b": {}}, "required": ["b"]}]
    }
    assert for_model(schema) == {"type": "object", "properties": {"a": {}, "b": {}}, "required": ["a", "b"]}


def test_a_root_that_is_a_reference_becomes_what_it_refers_to():
    schema: Json = {"$ref": "#/$defs/Args", "$defs": {"Args": {"properties": {"a": {"type": "string"}}}}}
    assert for_model(schema) == {"type": "object", "properties": {"a": {"type": "string"}}}


def test_a_root_that_refers_to_itself_ends():
    assert for_model({"$ref": "#"}) == {"type": "object", "properties": {}}


def test_very_deep_schemas_are_cut():
    deep: Json = {"type": "string"}
    for _ in range(600):
        deep = {"items": deep, "default": [deep.get("default")]}
    json.dumps(for_model({"properties": {"a": deep}}))


def test_the_input_is_not_changed():
    schema: Json = {"properties": {str(n): {"description": "d" * 100, "title": "t"} for n in range(60)}}
    before = copy.deepcopy(schema)
    for_model(schema)
    assert schema == before


def test_a_schema_of_5000_bytes_keeps_its_descriptions_and_one_more_byte_loses_them():
    def with_description(length: int) -> Json:
        return {"type": "object", "properties": {"a": {"description": "d" * length}}}

    room = 5_000 - size(with_description(0))
    assert for_model(with_description(room)) == with_description(room)
    assert for_model(with_description(room + 1)) == {"type": "object", "properties": {"a": {}}}


def test_a_property_that_is_called_description_is_no_description():
    schema: Json = {"properties": {"description": {"type": "string"}, "a": {"description": "d" * 6_000}}}
    assert entry(for_model(schema), "properties") == {"description": {"type": "string"}, "a": {}}


def test_definitions_go_next_and_references_to_them_with_them():
    schema: Json = {
        "properties": {"a": {"$ref": "#/$defs/A"}},
        "$defs": {"A": {"properties": {f"p{n}": {"type": "string"} for n in range(300)}}},
    }
    assert for_model(schema) == {"type": "object", "properties": {"a": {}}}


def test_then_everything_below_the_third_level_goes():
    leaf = {f"p{n}": {"type": "string"} for n in range(300)}
    schema: Json = {
        "properties": {"a": {"properties": {"b": {"properties": {"c": {"type": "object", "properties": leaf}}}}}}
    }
    assert entry(for_model(schema), "properties", "a", "properties", "b", "properties", "c") == {"type": "object"}


def test_compositions_go_last():
    schema: Json = {"properties": {"a": {"type": "string", "anyOf": [{"const": f"value {n}"} for n in range(400)]}}}
    assert for_model(schema) == {"type": "object", "properties": {"a": {"type": "string"}}}


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["properties", "items", "$ref", "$defs", "anyOf", "allOf", "type", "required", "a", "x/y"])
            | st.text(max_size=2),
            inner | st.sampled_from(["#/$defs/a", "#", "#/properties/a", "object"]),
            max_size=4,
        )
    ),
    max_leaves=20,
)
ANY_SCHEMA = st.dictionaries(st.sampled_from(["properties", "$defs", "oneOf", "$ref", "type"]), VALUES, max_size=4)


@given(ANY_SCHEMA)
def test_any_input_gives_an_object_schema_once_and_for_all(schema: Json):
    result = for_model(schema)
    assert result["type"] == "object"
    assert isinstance(result["properties"], dict)
    assert not result.keys() & {"$ref", "allOf", "anyOf", "oneOf"}
    assert for_model(result) == result


TOOL: Json = {
    "name": "t",
    "description": "d",
    "inputSchema": {"type": "object", "properties": {"a": {"type": "string"}, "b": {}}},
    "annotations": {"readOnlyHint": True},
    "_meta": {"ui": {"visibility": ["model", "app"]}},
}


def raw(tool: object) -> bytes:
    return json.dumps(tool).encode()


def shuffled(value: object, shuffle: random.Random) -> object:
    if not isinstance(value, dict):
        return value
    items = [(key, shuffled(sub, shuffle)) for key, sub in cast("Json", value).items()]
    shuffle.shuffle(items)
    return dict(items)


@given(st.randoms(use_true_random=False), st.sampled_from([None, 2]))
def test_order_and_spacing_do_not_change_the_digest(shuffle: random.Random, indent: int | None):
    assert definition_digest(json.dumps(shuffled(TOOL, shuffle), indent=indent).encode()) == definition_digest(
        raw(TOOL)
    )


@pytest.mark.parametrize(
    "change",
    [
        {"title": "T"},
        {"outputSchema": {}},
        {"icons": []},
        {"_meta": {"ui": {"visibility": ["app", "model"], "resourceUri": "ui://x"}, "other": 1}},
    ],
    ids=["title", "outputSchema", "icons", "_meta"],
)
def test_what_no_decision_uses_does_not_change_the_digest(change: Json):
    assert definition_digest(raw(TOOL | change)) == definition_digest(raw(TOOL))


@pytest.mark.parametrize(
    "change",
    [
        {"name": "u"},
        {"description": "e"},
        {"inputSchema": {"type": "object"}},
        {"annotations": {"readOnlyHint": False}},
        {"annotations": None},
        {"_meta": {"ui": {"visibility": ["app"]}}},
    ],
    ids=["name", "description", "inputSchema", "annotations", "no-annotations", "visibility"],
)
def test_what_a_decision_uses_changes_the_digest(change: Json):
    assert definition_digest(raw(TOOL | change)) != definition_digest(raw(TOOL))


def test_an_absent_field_and_null_are_the_same():
    assert definition_digest(b'{"name":"t"}') == definition_digest(b'{"name":"t","annotations":null,"_meta":null}')


@pytest.mark.parametrize("tool", [b"[1]", b"not json", b"\xff", b"[" * 100_000, b'{"name":"\\ud800"}'])
def test_an_unreadable_definition_has_a_digest_of_its_own(tool: bytes):
    assert definition_digest(tool) == definition_digest(tool)
    assert definition_digest(tool) != definition_digest(tool + b" x")


@pytest.mark.parametrize(
    ("meta", "visible"),
    [
        (None, True),
        ({}, True),
        ({"ui": {}}, True),
        ({"ui": {"visibility": ["model"]}}, True),
        ({"ui": {"visibility": ["app"]}}, False),
        ({"ui": {"visibility": []}}, False),
        ({"ui": {"visibility": "app"}}, False),
        ({"ui": 3}, True),
    ],
)
def test_a_tool_is_shown_to_the_model_unless_it_says_otherwise(meta: object, visible: bool):
    tool: Json = {"name": "t", "_meta": meta}
    assert is_model_visible(raw(tool)) is visible
    assert is_model_visible(tool) is visible


@pytest.mark.parametrize("tool", [b"nonsense", b"[]"])
def test_an_unreadable_tool_is_not_shown(tool: bytes):
    assert not is_model_visible(tool)

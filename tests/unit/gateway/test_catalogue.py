"""Names for all servers together."""

from __future__ import annotations

import json

from mcpool.gateway.catalogue import rename, resource_table, without_repeats


def test_names_get_their_server_and_nothing_else_changes() -> None:
    raw = b'{"inputSchema":{"a": 1.0},"name":"x","vendor":[1]}'
    table = rename({"one": [raw]})
    assert table.items == (b'{"inputSchema":{"a": 1.0},"name":"one__x","vendor":[1]}',)
    assert table.owners["one__x"].server == "one"
    assert bytes(table.owners["one__x"].name) == b'"x"'


def test_every_tool_is_reachable_by_the_name_that_is_shown() -> None:
    source = {"a": [b'{"name":"b__c"}', b'{"name":"x.y"}', b'{"name":"x y"}'], "a__b": [b'{"name":"c"}']}
    table = rename(source)
    shown = [json.loads(item)["name"] for item in table.items]
    assert len(set(shown)) == 4
    assert [(table.owners[name].server, json.loads(bytes(table.owners[name].name))) for name in shown] == [
        ("a", "b__c"),
        ("a", "x.y"),
        ("a", "x y"),
        ("a__b", "c"),
    ]


def test_definitions_without_a_name_and_repeats_are_left_out() -> None:
    table = rename({"one": [b"{}", b'{"name":1}', b'{"name":"x","n":1}', b'{"name":"x","n":2}']})
    assert table.items == (b'{"name":"one__x","n":1}',)


def test_resource_belongs_to_the_first_server_that_lists_it() -> None:
    resources = {"a": [b'{"uri":"x:1"}'], "b": [b'{"uri":"x:1"}', b'{"uri":"y:1"}', b"{}"]}
    table = resource_table(resources, {})
    assert (table.owner("x:1"), table.owner("y:1"), table.owner("z:1")) == ("a", "b", None)
    assert without_repeats(resources, table) == [b'{"uri":"x:1"}', b'{"uri":"y:1"}']


def test_longest_template_wins() -> None:
    templates = {
        "a": [b'{"uriTemplate":"f:/{x}"}', b'{"uriTemplate":"{any}"}'],
        "b": [b'{"uriTemplate":"f:/deep/{x}"}'],
    }
    table = resource_table({}, templates)
    assert (table.owner("f:/deep/1"), table.owner("f:/1"), table.owner("g:/1")) == ("b", "a", None)
    assert table.owner("f:/deep/{x}") == "b"

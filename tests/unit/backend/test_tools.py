"""Reading a server's tool list."""

from __future__ import annotations

from mcpool.backend.tools import Annotations, read_catalogue


def test_definitions_are_kept_byte_for_byte() -> None:
    raw = b'{ "name":"a",  "vendor":{"x":1}, "inputSchema":{} }'
    catalogue, refused = read_catalogue([raw], 7)
    assert (catalogue.revision, catalogue.by_name["a"].raw, refused) == (7, raw, ())


def test_the_order_is_the_servers() -> None:
    catalogue, _ = read_catalogue([b'{"name":"z"}', b'{"name":"a"}'], 1)
    assert [tool.name for tool in catalogue.tools] == ["z", "a"]


def test_hints_are_read_and_what_is_not_said_is_none() -> None:
    catalogue, _ = read_catalogue([b'{"name":"a","annotations":{"readOnlyHint":true,"title":"A"}}', b'{"name":"b"}'], 1)
    assert catalogue.by_name["a"].annotations == Annotations(title="A", read_only_hint=True)
    assert catalogue.by_name["b"].annotations == Annotations()


def test_malformed_hints_count_as_none() -> None:
    catalogue, refused = read_catalogue([b'{"name":"a","annotations":{"readOnlyHint":"yes"}}'], 1)
    assert catalogue.by_name["a"].annotations == Annotations()
    assert refused == ()


def test_an_entry_that_cannot_be_read_costs_itself_only() -> None:
    catalogue, refused = read_catalogue([b'{"noname":1}', b'{"name":"a"}', b'"a"'], 1)
    assert [tool.name for tool in catalogue.tools] == ["a"]
    assert len(refused) == 2


def test_of_two_with_one_name_the_first_counts() -> None:
    catalogue, refused = read_catalogue([b'{"name":"a","title":"1"}', b'{"name":"a","title":"2"}'], 1)
    assert catalogue.by_name["a"].raw == b'{"name":"a","title":"1"}'
    assert "listed twice" in refused[0]


def test_a_definition_that_says_the_same_in_another_order_has_the_same_digest() -> None:
    catalogue, _ = read_catalogue(
        [b'{"name":"a","inputSchema":{"type":"object"},"title":"x"}', b'{"inputSchema":{"type":"object"},"name":"a"}'],
        1,
    )
    other, _ = read_catalogue([b'{"inputSchema":{"type":"object"},"name":"a"}'], 2)
    assert catalogue.by_name["a"].digest == other.by_name["a"].digest


def test_a_tool_that_the_transport_cannot_call_is_left_out_with_the_reason() -> None:
    catalogue, refused = read_catalogue(
        [b'{"name":"a"}', b'{"name":"b"}'], 1, lambda name: "has a flaw" if name == "a" else None
    )
    assert [tool.name for tool in catalogue.tools] == ["b"]
    assert refused == ("tool `a` has a flaw",)

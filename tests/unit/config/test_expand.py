"""References in values."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcpool.config.document import Document
from mcpool.config.expand import Expander
from mcpool.config.problem import Report, Spot
from mcpool.config.read_server import Entry

EXPANDER = Expander(
    {"A": "1", "EMPTY": "", "NESTED": "${A}", "DOLLAR": "$"}, lambda name: {"k": "s3", "a/b": "s4"}.get(name)
)


def expand(text: str) -> tuple[str, list[str]]:
    report = Report("f", lambda _: 1)
    result = EXPANDER.text(text, Spot(report, ("args", 0)))
    return result, [problem.message for problem in report.problems]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain $A {A}", "plain $A {A}"),
        ("${A}", "1"),
        ("x${A}y${A}z", "x1y1z"),
        ("${EMPTY}", ""),
        ("${EMPTY:-d}", "d"),
        ("${NOPE:-}", ""),
        ("${NOPE:-a:-b c}", "a:-b c"),
        ("${A:-d}", "1"),
        ("${NESTED}", "${A}"),
        ("${DOLLAR}{A}", "${A}"),
        ("${keyring:k}", "s3"),
        ("Bearer ${keyring:a/b}", "Bearer s4"),
        ("${input:k}", "s3"),
        ("$${A}", "${A}"),
        ("$$${A}", "$${A}"),
        ("${A", "${A"),
        ("a ${", "a ${"),
    ],
)
def test_a_text_with_references_becomes(text: str, expected: str) -> None:
    assert expand(text) == (expected, [])


@pytest.mark.parametrize("text", ["${NOPE}", "${keyring:nope}", "${input:nope}", "${}", "${1A}", "${A-b}", "${env:A}"])
def test_a_reference_to_nothing_is_a_problem_of_the_key_it_is_in(text: str) -> None:
    _, messages = expand(text)

    assert len(messages) == 1


def test_given_two_missing_variables_in_one_value_then_both_are_named() -> None:
    _, messages = expand("${ONE} ${TWO}")

    assert [("ONE" in m, "TWO" in m) for m in messages] == [(True, False), (False, True)]


def test_values_are_expanded_at_any_depth_and_other_types_pass() -> None:
    spot = Spot(Report("f", lambda _: 1), ())

    assert EXPANDER.value({"a": ["${A}", 2, {"b": "${A}"}], "c": True}, spot) == {"a": ["1", 2, {"b": "1"}], "c": True}


@given(st.text())
def test_the_value_of_a_variable_is_never_expanded_again(value: str) -> None:
    expander = Expander({"V": value}, lambda _: None)

    assert expander.text("${V}", Spot(Report("f", lambda _: 1), ())) == value


@given(st.text(alphabet="${}:-AkeyringNOPE \n\\", max_size=30))
def test_without_looking_up_every_text_stays_as_it_is_unless_it_is_wrong(text: str) -> None:
    report = Report("f", lambda _: 1)

    result = Expander({}, lambda _: None, look_up=False).text(text, Spot(report, ()))

    assert result == text or report.problems


def test_what_is_read_from_shows_no_secret() -> None:
    """In a log or a traceback these are shown by their `repr`."""
    table = {"env": {"TOKEN": "s3cret"}}
    shown = (
        Expander({"TOKEN": "s3cret"}, lambda name: None),
        Entry("server", table, ("mcp_servers", "server")),
        Document("config.toml", "toml", {"mcp_servers": {"server": table}}, Path("/")),
    )
    assert "s3cret" not in repr(shown)

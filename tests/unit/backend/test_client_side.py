"""What is declared to servers, and answered in a client's stead."""

from __future__ import annotations

import json

import pytest

from mcpool.backend.client_side import capability_class, declared, lacking, roots_result
from mcpool.backend.holder import ClientFacts, Root

EVERYTHING = ClientFacts(elicitation_form=True, elicitation_url=True, sampling=True)


def test_clients_of_any_kind_are_one_class_unless_they_are_mirrored() -> None:
    assert capability_class("all", EVERYTHING) == capability_class("all", ClientFacts())
    assert capability_class("mirror", EVERYTHING) != capability_class("mirror", ClientFacts())


@pytest.mark.parametrize(
    ("mode", "client", "expected"),
    [
        ("all", ClientFacts(), {"elicitation": {"form": {}, "url": {}}, "sampling": {}}),
        ("none", EVERYTHING, {}),
        ("mirror", ClientFacts(), {}),
        ("mirror", ClientFacts(elicitation_form=True), {"elicitation": {"form": {}}}),
        ("mirror", ClientFacts(elicitation_url=True, sampling=True), {"elicitation": {"url": {}}, "sampling": {}}),
    ],
)
def test_what_a_class_declares(mode: str, client: ClientFacts, expected: object) -> None:
    cls = capability_class(mode, client)  # pyright: ignore[reportArgumentType]
    assert json.loads(declared(cls, None)) == expected


def test_leases_of_threads_are_declared_to_those_that_may_share_them() -> None:
    assert json.loads(declared("all", None, leases=True))["extensions"] == {"codex/connection-lease": {}}
    assert json.loads(declared("none", None, leases=True)) == {}


def test_roots_are_declared_only_where_there_are_any() -> None:
    assert "roots" not in json.loads(declared("all", None))
    assert json.loads(declared("none", ())) == {"roots": {"listChanged": False}}


@pytest.mark.parametrize(
    ("method", "params", "client", "can"),
    [
        ("elicitation/create", b"{}", ClientFacts(elicitation_form=True), True),
        ("elicitation/create", b'{"mode":"form"}', ClientFacts(elicitation_form=True), True),
        ("elicitation/create", b'{"mode":"url"}', ClientFacts(elicitation_form=True), False),
        ("elicitation/create", b'{"mode":"url"}', ClientFacts(elicitation_url=True), True),
        ("elicitation/create", b"{}", ClientFacts(elicitation_url=True), False),
        ("elicitation/create", b'{"mode":7}', ClientFacts(elicitation_form=True), True),
        ("sampling/createMessage", b"{}", ClientFacts(sampling=True), True),
        ("sampling/createMessage", b"{}", ClientFacts(elicitation_form=True), False),
        ("roots/list", b"{}", ClientFacts(lists_roots=True), True),
        ("roots/list", b"{}", ClientFacts(elicitation_form=True), False),
    ],
)
def test_whether_a_client_can_be_asked(method: str, params: bytes, client: ClientFacts, can: bool) -> None:
    assert (lacking(method, params, client) is None) is can


def test_roots_are_told_with_their_names_where_they_have_one() -> None:
    result = json.loads(roots_result((Root("file:///a"), Root("file:///b", "b"))))
    assert result == {"roots": [{"uri": "file:///a"}, {"uri": "file:///b", "name": "b"}]}

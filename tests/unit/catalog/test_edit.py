"""What an edit of the configuration did."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import pytest

from mcpool.catalog.edit import Edit, edit
from mcpool.config.server import ServerConfig, Stdio

A = ServerConfig("a", Stdio("a-server"))
B = ServerConfig("b", Stdio("b-server"))


@pytest.mark.parametrize(
    ("before", "after", "found"),
    [
        ([A], [A], Edit(kept=("a",))),
        ([A], [replace(A, file="moved", line=9)], Edit(kept=("a",))),
        ([A], [replace(A, tool_timeout=5.0)], Edit(view_changed=("a",))),
        ([A], [replace(A, transport=Stdio("another"))], Edit(replaced=("a",))),
        ([A], [replace(A, scope="thread")], Edit(replaced=("a",))),
        ([A], [A, B], Edit(kept=("a",), started=("b",))),
        ([A, B], [B], Edit(kept=("b",), stopped=("a",))),
        ([A], [replace(A, enabled=False)], Edit(stopped=("a",))),
        ([replace(A, enabled=False)], [A], Edit(started=("a",))),
        ([replace(A, enabled=False)], [], Edit()),
    ],
)
def test_every_server_is_told_of_once(before: Any, after: Any, found: Edit) -> None:
    assert edit(before, after) == found


def test_it_reads_as_a_line() -> None:
    assert str(Edit(kept=("a", "b"), view_changed=("c",))) == "kept: a, b; view changed: c"
    assert str(Edit()) == "there are no servers"


def test_only_a_change_is_something() -> None:
    assert Edit(kept=("a",)).nothing
    for field in fields(Edit):
        assert Edit(**{field.name: ("a",)}).nothing is (field.name == "kept")

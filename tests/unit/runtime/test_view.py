"""What one thread sees of a server."""

from __future__ import annotations

from typing import Any

import pytest

from mcpool.backend.tools import Annotations, ToolDefinition
from mcpool.config.server import ServerConfig, Stdio, ToolConfig
from mcpool.runtime.approval import Rule
from mcpool.runtime.view import View, view_of

TOOLS = tuple(ToolDefinition(name, b"{}", Annotations()) for name in ("a", "b", "c"))


def view(**settings: Any) -> View:
    return view_of(ServerConfig("s", Stdio("x"), **settings))


@pytest.mark.parametrize(
    ("settings", "seen"),
    [
        ({}, "abc"),
        ({"enabled_tools": ("a", "b")}, "ab"),
        ({"enabled_tools": ()}, ""),
        ({"disabled_tools": ("a",)}, "bc"),
        ({"enabled_tools": ("a", "b"), "disabled_tools": ("b",)}, "a"),
        ({"enabled_tools": ("unknown",)}, ""),
    ],
)
def test_first_the_allow_list_then_the_deny_list(settings: Any, seen: str) -> None:
    made = view(**settings)
    assert "".join(tool.name for tool in made.select(TOOLS)) == seen
    assert "".join(tool.name for tool in TOOLS if made.allows(tool.name)) == seen


def test_a_tools_own_approval_mode_beats_the_servers() -> None:
    tools = (("a", ToolConfig("approve", approved_definition="d")), ("b", ToolConfig(None)))
    made = view(default_tools_approval_mode="prompt", tools=tools)
    assert [made.rule(name) for name in ("a", "b", "c")] == [Rule("approve", "d"), Rule("prompt"), Rule("prompt")]


def test_where_nothing_is_configured_there_is_no_mode() -> None:
    assert view().rule("a") == Rule()


def test_equal_configurations_give_equal_views() -> None:
    assert view(disabled_tools=("a", "b")) == view(disabled_tools=("b", "a"))
    assert hash(view(enabled_tools=("a",))) == hash(view(enabled_tools=("a",)))

"""The tools that a step shows to a model."""

from __future__ import annotations

import json
import random
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from mcpool.backend.tools import ToolDefinition, read_catalogue
from mcpool.config.server import ServerConfig, Stdio, Surface
from mcpool.runtime.tool_set import ToolSet, named
from mcpool.runtime.tool_sets import SURFACES, ToolSets
from mcpool.runtime.view import View, view_of

VIEW = view_of(ServerConfig("s", Stdio("x")))


def definitions(*names: str, **more: Any) -> tuple[ToolDefinition, ...]:
    raws = [json.dumps({"name": name, "inputSchema": {"type": "object"}, **more}).encode() for name in names]
    return read_catalogue(raws, 1)[0].tools


def test_names_say_server_and_tool() -> None:
    tools = ToolSet(named({"git": definitions("log", "diff"), "fs": definitions("read")}))
    assert list(tools) == ["mcp__fs__read", "mcp__git__diff", "mcp__git__log"]
    assert (tools["mcp__git__log"].server, tools["mcp__git__log"].raw_name) == ("git", "log")


def test_the_name_on_the_wire_is_the_servers_own() -> None:
    tools = ToolSet(named({"a": definitions('weird "name"/é')}))
    (name,) = tools
    assert set(name) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")
    assert json.loads(bytes(tools[name].raw_name_json)) == 'weird "name"/é'


def test_tools_that_are_not_for_models_are_left_out() -> None:
    hidden = definitions("hidden", _meta={"ui": {"visibility": ["app"]}})
    assert list(ToolSet(named({"a": (*hidden, *definitions("shown"))}))) == ["mcp__a__shown"]


def test_specs_hold_name_description_and_schema_in_each_dialect() -> None:
    tools = ToolSet(named({"a": definitions("t", description="does it")}))
    schema: dict[str, Any] = {"type": "object", "properties": {}}
    function: dict[str, Any] = {"name": "mcp__a__t", "description": "does it", "parameters": schema}
    assert tools.openai() == [{"type": "function", "function": function}]
    assert tools.openai_responses() == [{"type": "function", **function}]
    assert tools.anthropic() == [{"name": "mcp__a__t", "description": "does it", "input_schema": schema}]


@given(st.lists(st.text(min_size=1), unique=True, max_size=8), st.randoms(use_true_random=False))
def test_specs_are_byte_identical_whatever_the_order(names: list[str], order: random.Random) -> None:
    shuffled = order.sample(names, len(names))
    first, second = (
        ToolSet(named({"a": definitions(*given), "b": definitions(*given)})) for given in (names, shuffled)
    )
    assert json.dumps(first.openai()) == json.dumps(second.openai())


def test_all_who_see_the_same_share_one_set() -> None:
    sets, catalogue = ToolSets(), read_catalogue([b'{"name":"t"}'], 1)[0]
    assert sets.of({"a": (VIEW, catalogue)}, ()) is sets.of({"a": (VIEW, catalogue)}, ())


def test_another_view_catalogue_or_waiting_server_is_another_set() -> None:
    sets, catalogue = ToolSets(), read_catalogue([b'{"name":"t"}'], 1)[0]
    narrow = view_of(ServerConfig("s", Stdio("x"), disabled_tools=("t",)))
    seen = [
        sets.of({"a": (VIEW, catalogue)}, ()),
        sets.of({"a": (narrow, catalogue)}, ()),
        sets.of({"a": (VIEW, read_catalogue([b'{"name":"u"}'], 2)[0])}, ()),
        sets.of({"a": (VIEW, catalogue)}, ("b",)),
    ]
    assert [list(tools.callable) for tools in seen] == [["mcp__a__t"], [], ["mcp__a__u"], ["mcp__a__t"]]
    assert seen[3].callable.pending == ("b",)


def test_old_sets_are_forgotten() -> None:
    sets = ToolSets()
    catalogues = [read_catalogue([b'{"name":"t%d"}' % n], 1)[0] for n in range(200)]
    first = sets.of({"a": (VIEW, catalogues[0])}, ())
    for catalogue in catalogues[1:]:
        sets.of({"a": (VIEW, catalogue)}, ())
    assert sets.of({"a": (VIEW, catalogues[0])}, ()) is not first


def test_a_tool_that_is_not_shown_somewhere_has_the_same_name_elsewhere_and_can_be_called() -> None:
    def view(*surfaces: Surface) -> View:
        return view_of(ServerConfig("s", Stdio("x"), omit_tools_from=surfaces))

    catalogue = read_catalogue([b'{"name":"t"}'], 1)[0]
    shown = ToolSets().of(
        {
            "a": (view(), catalogue),
            "b": (view("direct"), catalogue),
            "c": (view("deferred", "code_mode"), catalogue),
            "d": (view(*SURFACES), catalogue),
        },
        ("late",),
    )
    assert {surface: [tool.server for tool in shown.on(surface).values()] for surface in SURFACES} == {
        "direct": ["a", "c"],
        "deferred": ["a", "b"],
        "code_mode": ["a", "b"],
    }
    assert list(shown.callable) == ["mcp__a__t", "mcp__b__t", "mcp__c__t"]
    assert shown.on("direct").pending == ("late",)


def test_where_nothing_is_left_out_there_is_one_set_for_all() -> None:
    shown = ToolSets().of({"a": (VIEW, read_catalogue([b'{"name":"t"}'], 1)[0])}, ())
    assert {id(shown.on(surface)) for surface in SURFACES} == {id(shown.callable)}

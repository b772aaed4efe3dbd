"""JSON files of any content and layout: written into, and taken back."""

from __future__ import annotations

import json
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from mcpool.clients.change import Change, Changes
from mcpool.clients.known import CONNECTION
from mcpool.clients.planning import Entry, plan_undo
from mcpool.clients.rewriting import parsed, rewritten
from mcpool.config.table import as_list, as_table

FILE = Path("/home/ada/mcp.json")
PUT: dict[str, object] = {"command": "/usr/bin/mcpool", "args": ["connect", "git"]}

texts = st.text(st.characters(codec="utf-8", exclude_categories=("Cs",)), max_size=8)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
entries = st.fixed_dictionaries(
    {"command": texts}, optional={"args": st.lists(texts, max_size=2), "timeout": values, "alwaysAllow": values}
)
documents = st.fixed_dictionaries(
    {}, optional={"mcpServers": st.dictionaries(texts, entries, max_size=3), "a": values, "z": values}
)


@st.composite
def layouts(draw: st.DrawFn) -> str:
    """A document as somebody may have written it: any blanks, comments and commas between its tokens."""
    gaps = st.sampled_from(["", "", " ", "\n", "\n  ", "\r\n\t", " /* x */ ", " // y\n", "\n\n"])

    def written(value: object) -> str:
        table, items = as_table(value), as_list(value)
        if table is not None:
            members = [
                f"{draw(gaps)}{json.dumps(key)}{draw(gaps)}:{draw(gaps)}{written(item)}{draw(gaps)}"
                for key, item in table.items()
            ]
            return "{" + ",".join(members) + draw(st.sampled_from(["", ","]) if members else gaps) + draw(gaps) + "}"
        if items is not None:
            return "[" + ",".join(f"{draw(gaps)}{written(item)}{draw(gaps)}" for item in items) + "]"
        return json.dumps(value, ensure_ascii=draw(st.booleans()))

    return draw(gaps) + written(draw(documents)) + draw(gaps)


def installed(text: str) -> tuple[str, list[Entry]]:
    servers = as_table(parsed(FILE, text).data.get("mcpServers", {})) or {}
    ours = [Entry(("mcpServers", name), "git", PUT) for name in (*servers, "another", "one more")]
    return rewritten(FILE, text, Changes([Change(entry.path, PUT, CONNECTION) for entry in ours])), ours


@given(layouts())
def test_whatever_its_layout_it_means_what_it_should(text: str) -> None:
    before = parsed(FILE, text).data
    after = parsed(FILE, installed(text)[0]).data
    assert {**before, "mcpServers": None} == {**after, "mcpServers": None}


@given(layouts())
def test_whatever_its_layout_it_can_be_taken_back_after_a_change(text: str) -> None:
    written, ours = installed(text)
    changed = f"{written}\n// changed\n"
    plan = plan_undo(parsed(FILE, changed).data, parsed(FILE, text).data, text, ours)
    back = rewritten(FILE, changed, plan.changes)
    assert parsed(FILE, back).data == parsed(FILE, text).data
    assert back.endswith("// changed\n")


@given(layouts())
def test_comments_outside_the_entries_stay(text: str) -> None:
    marked = f"// first\n{text}\n// last\n"
    written, _ = installed(marked)
    assert written.startswith("// first\n")
    assert written.endswith("\n// last\n")

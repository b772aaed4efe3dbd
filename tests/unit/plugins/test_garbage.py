"""Whatever stands in a plugin's files, reading it ends with what can be used and a list of problems."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcpool.plugins.front_matter import split
from mcpool.plugins.placement import Placement
from mcpool.plugins.reading import read_root
from support.memory_files import MemoryFiles

KEYS = st.sampled_from(
    (
        *("name", "description", "skills", "mcpServers", "apps", "id", "interface", "command", "args", "env", "url"),
        *("env_vars", "cwd", "type", "tools", "oauth", "headers", "environment_id", "source", "disabled", "trust"),
    )
)
TEXTS = st.sampled_from(("", "x", "../..", "/etc", "./skills", "${PLUGIN_ROOT}", "${X:-y}", "${", "\x00", "\ud800"))
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXTS | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS | st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)
DOCUMENTS = st.builds(json.dumps, VALUES | st.dictionaries(KEYS, VALUES, max_size=5)) | st.text(max_size=50)
LINES = ("---", "name: x", "name: '", 'description: "', "description: >-", "  text", "- a", "...", "a: &b *c", ":", "")
HEADS = st.lists(st.sampled_from(LINES), max_size=8).map("\n".join)


@pytest.mark.parametrize("environment", [None, "local", "box"])
@given(manifest=DOCUMENTS, servers=DOCUMENTS, apps=DOCUMENTS, head=HEADS | st.text(max_size=60))
async def test_a_root_of_garbage_is_read(
    environment: str | None, manifest: str, servers: str, apps: str, head: str
) -> None:
    files = {
        "/kit/.codex-plugin/plugin.json": manifest,
        "/kit/.mcp.json": servers,
        "/kit/.app.json": apps,
        "/kit/skills/a/SKILL.md": head,
    }
    found = MemoryFiles({path: text.encode("utf-8", "replace").decode() for path, text in files.items()})
    contents = await read_root(found, "kit", Placement("/kit", environment))
    for server in contents.servers:
        assert environment is None or server.environment_id == environment
        assert not server.connectors
        assert server.default_tools_approval_mode != "approve"


@given(HEADS | st.text())
def test_any_head_is_split_or_refused(text: str) -> None:
    try:
        fields, _ = split(text)
    except ValueError:
        return
    assert all(isinstance(value, str) for value in fields.values())


async def test_a_folder_that_is_named_as_a_list_of_servers_is_a_problem_of_its_own() -> None:
    files = MemoryFiles({"/kit/.codex-plugin/plugin.json": '{"mcpServers": ""}', "/kit/skills/a/SKILL.md": "Do it."})
    contents = await read_root(files, "kit", Placement("/kit", "box"))
    assert [skill.name for skill in contents.skills] == ["kit:a"]
    assert [problem.message for problem in contents.problems] == ["cannot be read: /kit"]


async def test_a_file_that_is_nested_too_deeply_is_a_problem_of_its_own() -> None:
    deep = '{"mcpServers": ' + "[" * 100_000
    files = MemoryFiles({"/kit/.mcp.json": deep, "/kit/skills/a/SKILL.md": "Do it."})
    contents = await read_root(files, "kit", Placement("/kit"))
    assert [skill.name for skill in contents.skills] == ["kit:a"]
    assert [problem.message for problem in contents.problems] == ["is nested too deeply"]

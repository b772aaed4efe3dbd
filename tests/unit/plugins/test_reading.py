"""What a folder contributes, and what of it is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from mcpool.catalog.connector import Connector
from mcpool.config.server import EnvVar, Http, ServerConfig, Stdio
from mcpool.environments.files import LocalFiles
from mcpool.plugins.contents import Contents
from mcpool.plugins.placement import Placement
from mcpool.plugins.reading import read_body, read_root
from support.plugin_folder import plugin, skill

ELSEWHERE = "box"


async def read(folder: Path, **placement: Any) -> Contents:
    return await read_root(LocalFiles(), "root", Placement(str(folder), **placement))


async def one_server(folder: Path, **placement: Any) -> tuple[ServerConfig, Stdio]:
    contents = await read(folder, **placement)
    (server,) = contents.servers
    assert isinstance(server.transport, Stdio)
    return server, server.transport


def said(contents: Contents) -> str:
    return "\n".join(map(str, contents.problems))


@pytest.mark.parametrize("kind", [".codex-plugin", ".claude-plugin"])
async def test_a_plugin_brings_servers_skills_and_connectors(tmp_path: Path, kind: str) -> None:
    folder = plugin(
        tmp_path / "kit",
        kind=kind,
        manifest={"description": "Useful things"},
        servers={"git": {"command": "git-server"}},
        apps={"mail": "connector_1"},
        skills={"review": "Look twice."},
    )
    contents = await read(folder)
    assert (contents.name, contents.description) == ("kit", "Useful things")
    assert [server.name for server in contents.servers] == ["git"]
    assert contents.connectors == (Connector("connector_1", "root", "mail"),)
    assert [(skill.name, skill.path) for skill in contents.skills] == [
        ("kit:review", str(folder / "skills" / "review" / "SKILL.md"))
    ]
    assert contents.problems == ()


async def test_a_folder_of_skills_and_a_folder_of_one_skill_are_roots_too(tmp_path: Path) -> None:
    one = skill(tmp_path / "review")
    skill(tmp_path / "test")
    (tmp_path / "notes").mkdir()
    assert [found.name for found in (await read(tmp_path)).skills] == ["review", "test"]
    assert [found.name for found in (await read(one)).skills] == ["review"]


async def test_references_are_replaced_once_and_servers_are_told_where_their_plugin_is(tmp_path: Path) -> None:
    folder = plugin(
        tmp_path / "kit",
        servers={"a": {"command": "${CLAUDE_PLUGIN_ROOT}/run", "args": ["${WHO}", "${PLUGIN_ROOT}/data"]}},
    )
    _, stdio = await one_server(folder, environ={"WHO": "${PLUGIN_ROOT}"})
    assert (stdio.command, stdio.args) == (f"{folder}/run", ("${PLUGIN_ROOT}", f"{folder}/data"))
    assert dict(stdio.env)["CLAUDE_PLUGIN_ROOT"] == str(folder)


async def test_a_folder_that_is_called_like_a_reference_is_meant_as_it_is_called(tmp_path: Path) -> None:
    kit = plugin(tmp_path / "${WHO}", servers={"a": {"command": "${PLUGIN_ROOT}/run"}})
    _, stdio = await one_server(kit, environment="local", environ={"WHO": "me"})
    assert (stdio.command, stdio.cwd) == (f"{kit}/run", str(kit))


@pytest.mark.parametrize("text", ["\\ud800", "\\u0000"])
async def test_what_is_no_text_that_a_system_can_have_is_refused(tmp_path: Path, text: str) -> None:
    folder = plugin(tmp_path / "kit", skills={"a": "A"})
    manifest = f'{{"name": "{text}", "description": "{text}", "skills": "./{text}", "apps": "./{text}"}}'
    (folder / ".codex-plugin" / "plugin.json").write_text(manifest)
    (folder / ".app.json").write_text(f'{{"apps": {{"{text}": {{"id": "m"}}}}}}')
    contents = await read(folder)
    assert [found.name for found in contents.skills] == ["kit:a"]
    assert contents.connectors == (Connector("m", "root", "m"),)
    assert len(contents.problems) == 3


async def test_servers_of_a_root_run_in_its_environment_with_its_variables(tmp_path: Path) -> None:
    """S4."""
    folder = plugin(
        tmp_path / "kit",
        servers={"a": {"command": "run", "cwd": "sub", "environment_id": "local", "env_vars": ["TOKEN"]}},
    )
    server, stdio = await one_server(folder, environment=ELSEWHERE)
    assert server.environment_id == ELSEWHERE
    assert stdio.cwd == str(folder / "sub")
    assert stdio.env_vars == (EnvVar("TOKEN", "remote"),)


async def test_a_server_of_a_root_without_a_folder_of_its_own_runs_in_the_root(tmp_path: Path) -> None:
    _, stdio = await one_server(plugin(tmp_path / "kit", servers={"a": {"command": "run"}}), environment=ELSEWHERE)
    assert stdio.cwd == str(tmp_path / "kit")


@pytest.mark.parametrize(
    "entry",
    [
        {"command": "run", "env_vars": [{"name": "TOKEN", "source": "local"}]},
        {"url": "https://example.com/mcp", "headersHelper": "print-secret"},
        {"url": "https://example.com/mcp", "oauth": {"client_id": "c", "client_secret": "${TOKEN}"}},
        {"command": "run", "env": {"KEY": "${TOKEN}"}},
        {"command": "run", "env": {"KEY": "${keyring:token}"}},
    ],
    ids=["variable", "helper", "client", "reference", "keyring"],
)
async def test_nothing_secret_of_this_machine_goes_to_a_plugin_of_another_environment(
    tmp_path: Path, entry: dict[str, Any]
) -> None:
    folder = plugin(tmp_path / "kit", servers={"bad": entry, "good": {"command": "run"}})
    contents = await read(folder, environment=ELSEWHERE)
    assert [server.name for server in contents.servers] == ["good"]
    assert contents.problems[0].concerns("bad")


@pytest.mark.parametrize("key", ["url", "httpUrl"])
async def test_what_a_server_of_another_environment_signs_in_with_are_the_variables_of_that(
    tmp_path: Path, key: str
) -> None:
    """U4. Whatever it says."""
    entry = {key: "https://example.com/mcp", "bearer_token_env_var": "TOKEN", "variables_source": "local"}
    contents = await read(plugin(tmp_path / "kit", servers={"a": entry}), environment=ELSEWHERE)
    (server,) = contents.servers
    assert isinstance(server.transport, Http)
    assert (server.transport.bearer_token_env_var, server.transport.variables_source) == ("TOKEN", "remote")


async def test_a_server_that_is_wrong_disables_itself_alone(tmp_path: Path) -> None:
    folder = plugin(
        tmp_path / "kit",
        servers={"bad": {"command": 7}, "sse": {"type": "sse", "url": "https://x.example"}, "good": {"command": "run"}},
        skills={"review": "Look twice."},
    )
    (folder / ".app.json").write_text("{")
    (folder / "skills" / "odd").mkdir()
    (folder / "skills" / "odd" / "SKILL.md").write_text("---\nname: odd\n")
    contents = await read(folder)
    assert [server.name for server in contents.servers] == ["good"]
    assert [found.name for found in contents.skills] == ["kit:review"]
    assert {problem.file.rpartition("/")[2] for problem in contents.problems} == {".mcp.json", ".app.json", "SKILL.md"}


async def test_a_manifest_that_cannot_be_read_leaves_nothing_and_the_other_kind_does_not_count(tmp_path: Path) -> None:
    folder = plugin(tmp_path / "kit", servers={"a": {"command": "run"}}, kind=".claude-plugin")
    (folder / ".codex-plugin").mkdir()
    (folder / ".codex-plugin" / "plugin.json").write_text("{")
    contents = await read(folder)
    assert (contents.servers, contents.skills) == ((), ())
    assert ".codex-plugin/plugin.json" in said(contents)


async def test_a_manifest_says_where_its_parts_are(tmp_path: Path) -> None:
    manifest = {"skills": ["./more"], "mcpServers": "./mine.json", "apps": "./apps.json"}
    folder = plugin(tmp_path / "kit", manifest=manifest, servers={"usual": {"command": "run"}}, skills={"a": "A"})
    (folder / "mine.json").write_text(json.dumps({"mine": {"command": "run"}}))
    (folder / "apps.json").write_text(json.dumps({"apps": {"mail": {"id": "m"}}}))
    skill(folder / "more" / "b")
    contents = await read(folder)
    assert [server.name for server in contents.servers] == ["mine"]
    assert [found.name for found in contents.skills] == ["kit:a", "kit:b"]
    assert [connector.id for connector in contents.connectors] == ["m"]


async def test_servers_in_a_manifest_of_the_other_kind_come_to_those_of_the_usual_file(tmp_path: Path) -> None:
    folder = plugin(
        tmp_path / "kit",
        kind=".claude-plugin",
        manifest={"mcpServers": {"inline": {"command": "run"}}},
        servers={"usual": {"command": "run"}},
    )
    assert [server.name for server in (await read(folder)).servers] == ["inline", "usual"]


@pytest.mark.parametrize(
    ("manifest", "servers"),
    [
        ({"skills": "../outside"}, {}),
        ({"mcpServers": "/etc/passwd"}, {}),
        ({"apps": "./a/../../apps.json"}, {}),
        ({}, {"a": {"command": "run", "cwd": "../outside"}}),
        ({}, {"a": {"command": "run", "cwd": "${PLUGIN_ROOT}/../outside"}}),
    ],
)
async def test_a_path_that_leads_out_of_the_root_is_refused(
    tmp_path: Path, manifest: dict[str, Any], servers: dict[str, Any]
) -> None:
    folder = plugin(tmp_path / "kit", manifest=manifest, servers=servers)
    skill(tmp_path / "outside" / "stolen")
    contents = await read(folder, environment=ELSEWHERE)
    assert (contents.servers, contents.skills, contents.connectors) == ((), (), ())
    assert "leads out of the plugin's folder" in said(contents)


async def test_a_link_that_leads_out_of_the_root_is_refused(tmp_path: Path) -> None:
    folder = plugin(tmp_path / "kit", servers={"a": {"command": "run", "cwd": "work"}})
    outside = skill(tmp_path / "outside")
    (outside / "apps.json").write_text('{"apps": {"mail": {"id": "m"}}}')
    (folder / ".app.json").symlink_to(outside / "apps.json")
    (folder / "skills").mkdir()
    (folder / "skills" / "stolen").symlink_to(outside)
    (folder / "work").symlink_to(outside)
    contents = await read(folder, environment=ELSEWHERE)
    assert (contents.servers, contents.skills, contents.connectors) == ((), (), ())
    assert said(contents).count("leads out of the plugin's folder") == 3
    with pytest.raises(PermissionError, match="is a link that leads out of"):
        await read_body(LocalFiles(), str(folder), str(folder / "skills" / "stolen" / "SKILL.md"))


async def test_a_root_behind_a_link_and_links_within_it_are_fine(tmp_path: Path) -> None:
    folder = plugin(tmp_path / "real", skills={"a": "A"})
    (folder / "skills" / "b").symlink_to(folder / "skills" / "a")
    (tmp_path / "kit").symlink_to(folder)
    contents = await read(tmp_path / "kit")
    assert [found.name for found in contents.skills] == ["real:a"]
    assert "second skill called" in said(contents)
    assert await read_body(LocalFiles(), str(tmp_path / "kit"), contents.skills[0].path)


async def test_a_plugin_cannot_approve_its_own_calls_nor_have_lost_ones_sent_again(tmp_path: Path) -> None:
    entry = {
        "command": "run",
        "trust": True,
        "retry": "always",
        "tools": {"a": {"approval_mode": "approve", "retry": "always"}, "b": {"approval_mode": "prompt"}},
    }
    server, _ = await one_server(plugin(tmp_path / "kit", servers={"a": entry}))
    modes = {name: (tool.approval_mode, tool.retry) for name, tool in server.tools}
    assert (server.default_tools_approval_mode, server.retry) == (None, "safe")
    assert modes == {"a": (None, None), "b": ("prompt", None)}


async def test_an_endpoint_is_bound_to_the_environment_of_its_plugin(tmp_path: Path) -> None:
    oauth = {"client_id": "c", "callback_port": 8400}
    entry = {"type": "http", "url": "https://example.com/mcp", "oauth": oauth, "scopes": ["a"], "oauth_resource": "r"}
    (server,) = (await read(plugin(tmp_path / "kit", servers={"web": entry}), environment=ELSEWHERE)).servers
    http = server.transport
    assert isinstance(http, Http)
    assert server.environment_id == ELSEWHERE
    assert (http.oauth_client_id, http.oauth_callback_port, http.scopes, http.oauth_resource) == (
        *("c", 8400),
        *(("a",), "r"),
    )
    assert http.signs_in_by == "thread"


async def test_what_is_too_large_or_too_many_is_left_out(tmp_path: Path) -> None:
    folder = plugin(tmp_path / "kit", servers={f"s{n}": {"command": "run"} for n in range(70)})
    skill(folder / "skills" / "huge", body="x" * 300_000)
    contents = await read(folder)
    assert len(contents.servers) == 64
    assert contents.skills == ()
    assert "s69" in said(contents)
    assert "larger than" in said(contents)


@pytest.mark.parametrize("missing", ["nowhere", "file"])
async def test_a_root_that_is_no_folder_holds_nothing(tmp_path: Path, missing: str) -> None:
    (tmp_path / "file").write_text("")
    contents = await read(tmp_path / missing)
    assert (contents.servers, contents.skills) == ((), ())
    assert len(contents.problems) == 1

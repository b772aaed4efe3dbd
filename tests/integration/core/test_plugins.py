"""Plugins with real servers: installed ones, and folders that are chosen for a thread; and real connectors (S5-S7)."""

from __future__ import annotations

import asyncio
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

import mcpool
from mcpool.host.watching import Applied
from mcpool.plugins.installed import InstalledPlugins
from mcpool.threads.thread import Thread
from support.connectors import applications
from support.plugin_folder import plugin, skill
from support.real_servers import DEMO, OpenHost, facts, odd, servers
from support.served import serving


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    (tmp_path / "home").mkdir(mode=0o700)
    return {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "MCPOOL_MANAGED_CONFIG": str(tmp_path / "managed.toml")}


async def news(thread: Thread) -> str:
    async with thread.step() as step:
        return thread.news(step).text


async def test_a_folder_chosen_for_a_thread_brings_it_a_server_that_runs_in_it(
    open_host: OpenHost, tmp_path: Path
) -> None:
    """S4."""
    kit = plugin(tmp_path / "kit", servers={"odd": odd(tmp_path / "record")}, skills={"review": "Twice."})
    host = await open_host(servers(demo=DEMO))
    thread = host.thread(capability_roots=[mcpool.CapabilityRoot("kit@1", str(kit))])
    found = await facts(thread)
    assert found["cwd"] == str(kit)
    assert found["env"]["CLAUDE_PLUGIN_ROOT"] == str(kit)
    assert f"kit:review ({kit}/skills/review/SKILL.md in local)" in await news(thread)
    async with host.thread().step() as step:
        assert step.servers == ("demo",)


async def test_an_installed_plugin_is_there_for_all_and_counts_less_than_the_configuration(
    open_host: OpenHost, tmp_path: Path, environ: dict[str, str]
) -> None:
    """U2."""
    kit = plugin(
        tmp_path / "kit",
        servers={"odd": odd(tmp_path / "record", env={"DATA": "${CLAUDE_PLUGIN_DATA}"}), "demo": {"command": "no"}},
        skills={"review": "Twice."},
    )
    installed = InstalledPlugins(tmp_path / "home")
    placed = installed.add(kit, "kit", link=False)
    own = tmp_path / "home" / "config.toml"
    own.write_text(f"[mcp_servers.demo]\ncommand = {json.dumps(DEMO['command'])}\nargs = {json.dumps(DEMO['args'])}\n")
    host = await open_host(None, environ=environ)
    assert [server.name for server in host.servers] == ["demo", "odd"]
    thread = host.thread(cwd=tmp_path)
    found = await facts(thread)
    assert (found["cwd"], found["env"]["DATA"]) == (str(tmp_path), str(installed.data("kit")))
    text = await news(thread)
    assert f"Skills on this machine (read the file when a task matches):\n- kit:review ({placed.folder}/" in text
    async with thread.step() as step:
        assert await step.facts("demo")


async def test_what_the_administrator_does_not_allow_no_plugin_brings(
    open_host: OpenHost, tmp_path: Path, environ: dict[str, str]
) -> None:
    (tmp_path / "managed.toml").write_text('[requirements]\nallow = [{ name = "demo" }]\n')
    kit = plugin(tmp_path / "kit", servers={"demo": DEMO, "other": DEMO})
    InstalledPlugins(tmp_path / "home").add(kit, "kit", link=False)
    host = await open_host(None, environ=environ)
    async with host.thread().step() as step:
        assert step.servers == ("demo",)


async def test_plugins_that_come_change_and_go_are_seen_while_a_host_runs(
    open_host: OpenHost, tmp_path: Path, environ: dict[str, str]
) -> None:
    """U6: an edit of skills alone restarts nothing."""
    kit = plugin(tmp_path / "kit", servers={"odd": odd(tmp_path / "record", cwd="/")}, skills={"review": "Twice."})
    installed = InstalledPlugins(tmp_path / "home")
    host = await open_host(None, environ=environ)
    thread = host.thread()
    assert await news(thread) == ""
    applied: asyncio.Queue[Applied] = asyncio.Queue()
    watching = asyncio.create_task(host.watch(applied.put_nowait))
    try:
        await _until(applied, lambda: installed.add(kit, "kit", link=True), "odd", "started")
        pid = (await facts(thread))["pid"]
        assert "kit:review" in await news(thread)
        await _until(applied, lambda: fresh_skill(kit / "skills" / "test"), "odd", "kept")
        assert "kit:test" in await news(thread)
        assert (await facts(thread))["pid"] == pid
        await _until(applied, lambda: installed.remove("kit"), "odd", "stopped")
        assert "none are available any more" in await news(thread)
    finally:
        watching.cancel()
        await asyncio.wait([watching])


def fresh_skill(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    skill(folder)


async def _until(applied: asyncio.Queue[Applied], act: Any, server: str, what: str) -> None:
    """Do it, as often as it takes until the watch has begun, and wait until that is what it did."""
    while True:
        await asyncio.to_thread(act)
        try:
            async with asyncio.timeout(1.5):
                while server not in getattr((await applied.get()).edit, what):
                    pass
                return
        except TimeoutError:
            continue


@pytest.mark.parametrize("file", [".mcp.json", ".codex-plugin/plugin.json"])
async def test_a_broken_edit_of_a_plugin_is_told_once_and_changes_nothing(
    open_host: OpenHost, tmp_path: Path, environ: dict[str, str], caplog: pytest.LogCaptureFixture, file: str
) -> None:
    kit = plugin(tmp_path / "kit", servers={"odd": odd(tmp_path / "record", cwd="/")}, skills={"review": "Twice."})
    InstalledPlugins(tmp_path / "home").add(kit, "kit", link=True)
    host = await open_host(None, environ=environ)
    thread = host.thread()
    pid = (await facts(thread))["pid"]
    (kit / file).write_text("{ this is no JSON")
    for _ in range(2):
        host.apply()
        await host.settled()
    assert (await facts(thread))["pid"] == pid
    assert "kit:review" in await news(thread)
    assert "not valid JSON" in str(host.problems[0])
    assert caplog.text.count("not valid JSON") == 1


async def test_a_record_that_cannot_be_read_takes_nothing_but_the_plugins_away(
    open_host: OpenHost, tmp_path: Path, environ: dict[str, str]
) -> None:
    record = InstalledPlugins(tmp_path / "home").record
    record.write_text("{")
    host = await open_host(servers(demo=DEMO), environ=environ, projects=True)
    async with host.thread().step() as step:
        assert step.servers == ("demo",)
    assert "install your plugins anew" in str(host.problems[0])


# ---------------------------------------------------------------------- connectors


async def test_a_selected_connectors_tools_come_from_the_hosts_own_server_and_it_is_told_whose_calls_they_are(
    open_host: OpenHost, tmp_path: Path
) -> None:
    """S6, S7, P3."""
    told: list[dict[str, Any]] = []
    kit = plugin(tmp_path / "kit", apps={"Mail": "c-mail"})
    async with serving(applications(told)) as url:
        host = await open_host({**servers(other={"url": url}), "connectors": {"url": url}})
        thread = host.thread(capability_roots=[mcpool.CapabilityRoot("kit@1", str(kit))])
        await thread.ready()
        async with thread.step() as step:
            shown = {name: tool.connector for name, tool in step.tools.items()}
            # The very same server, configured like any other, cannot speak for connectors.
            assert shown == {
                "mcp__connectors__send": mcpool.Connector("c-mail", "kit@1", "Mail"),
                "mcp__other__post": None,
                "mcp__other__send": None,
            }
            assert "connector" not in json.dumps([tool.spec for tool in step.tools.values() if not tool.connector])
            await step.call("mcp__connectors__send")
            assert "- Mail: 1 tool" in thread.news(step).text
        await host.close()
    assert (told[0]["connector_id"], told[0]["plugin_id"]) == ("c-mail", "kit@1")


async def test_a_thread_without_connectors_never_reaches_the_server_for_them(open_host: OpenHost) -> None:
    host = await open_host({**servers(demo=DEMO), "connectors": {"url": "http://127.0.0.1:9/mcp"}})
    thread = host.thread()
    assert await thread.ready() == {"demo": None}

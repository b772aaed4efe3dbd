"""Plugins and skills in an executor that is a real process: what they bring comes and goes with it (S1-S7, U5, U6)."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path
from typing import Any

import pytest

import mcpool
from mcpool.threads.thread import Thread
from support.connectors import applications
from support.exec_servers import ExecServer
from support.mcpool_home import wait_gone
from support.plugin_folder import plugin, skill
from support.real_servers import DEMO, OpenHost, demo_pid, odd, servers
from support.served import serving

from .conftest import ready, until

PROBE, SEND = "mcp__probe__facts", "mcp__connectors__send"


def kit(far: ExecServer) -> mcpool.CapabilityRoot:
    """A plugin there: a server that wants a variable of that place, a connector, and a skill."""
    folder = plugin(
        far.root / "kit",
        servers={"probe": odd(far.root / "record", env_vars=["THERE_TOKEN"])},
        apps={"Mail": "c-mail"},
        skills={"review": "Look twice."},
    )
    return mcpool.CapabilityRoot("kit@1", str(folder), "box")


async def at_next_step(thread: Thread, *mentions: str) -> tuple[list[str], str]:
    """The tools that it shows, and what the model is told."""
    async with thread.step(mentions=mentions) as step:
        return sorted(step.tools), thread.news(step).text


async def probed(thread: Thread) -> dict[str, Any]:
    """What the plugin's server says of its process, called in the next step without waiting for anything more."""
    async with thread.step() as step:
        return json.loads((await step.call(PROBE)).for_model())


def attach(host: mcpool.Host, far: ExecServer) -> None:
    host.environments.add("box", far.url, token=far.token, resume_timeout=0.3)


async def test_the_stack_of_a_root_follows_its_executor(far: ExecServer, open_host: OpenHost) -> None:
    """Scenario S1. S7: nothing; skill, server and connector; the same process; nothing; all again, in another process.

    What the user names is told once; what went meanwhile, when it is named again.
    """
    told: list[dict[str, Any]] = []
    async with serving(applications(told)) as url:
        host = await open_host({**servers(demo=DEMO), "connectors": {"url": url}})
        thread = host.thread(capability_roots=[kit(far)])
        await thread.ready()
        demo = await demo_pid(thread)
        tools, news = await at_next_step(thread)
        assert not {PROBE, SEND}.intersection(tools)
        assert "kit" not in news
        assert "- box: unavailable" in news

        attach(host, far)
        await ready(host)
        tools, news = await at_next_step(thread, "review")
        assert {PROBE, SEND}.issubset(tools)
        assert "mcp__connectors__post" not in tools
        assert f"- kit:review ({far.root}/kit/skills/review/SKILL.md in box): What it is for." in news
        assert "<skill>\n<name>kit:review</name>" in news
        assert "Look twice." in news
        assert "- Mail: 1 tool" in news
        first = await probed(thread)
        assert first["env"]["THERE_TOKEN"] == "there"
        assert first["cwd"] == str((far.root / "kit").resolve())
        async with thread.step() as step:
            await step.call(SEND)
        assert told[0]["connector_id"] == "c-mail"
        assert (await probed(thread))["pid"] == first["pid"]
        assert (await at_next_step(thread))[1] == ""

        far.kill()
        await until(host, lambda: host.environments.status("box").status == "disconnected")
        tools, news = await at_next_step(thread)
        assert not {PROBE, SEND}.intersection(tools)
        assert "none are available any more" in news
        if far.kind == "codex":
            os.kill(first["pid"], 9)
        wait_gone(first["pid"])

        far.start()
        await ready(host)
        tools, news = await at_next_step(thread, "review")
        assert {PROBE, SEND}.issubset(tools)
        assert "- kit:review (" in news
        assert "Look twice." in news
        assert (await probed(thread))["pid"] != first["pid"]
        assert await demo_pid(thread) == demo
        await host.close()


async def test_a_thread_goes_on_in_another_host_and_has_its_root_again_when_the_executor_is_back(
    far: ExecServer, open_host: OpenHost
) -> None:
    """Scenario S1. After the program was started anew, with what it kept of the thread as JSON."""
    told: list[dict[str, Any]] = []
    async with serving(applications(told)) as url:
        config = {**servers(demo=DEMO), "connectors": {"url": url}}
        before = await open_host(config)
        attach(before, far)
        await ready(before)
        thread = before.thread(capability_roots=[kit(far)])
        demo = await demo_pid(thread)
        await at_next_step(thread, "review")
        first = (await probed(thread))["pid"]
        kept = json.dumps(thread.kept())
        await before.close()
        far.kill()
        if far.kind == "mcpool":
            wait_gone(first)

        after = await open_host(config)
        again = after.thread(kept=json.loads(kept))
        assert (again.id, again.facts.roots) == (thread.id, thread.facts.roots)
        tools, news = await at_next_step(again)
        assert not {PROBE, SEND}.intersection(tools)
        assert "- box: unavailable" in news
        assert "- kit:review\n- none are available any more" in news
        assert "what they kept in memory is lost:\n- demo\n" in news
        assert (await at_next_step(again))[1] == ""
        assert await demo_pid(again) != demo

        far.start()
        attach(after, far)
        await ready(after)
        tools, news = await at_next_step(again, "review")
        assert {PROBE, SEND}.issubset(tools)
        assert "- kit:review (" in news
        assert "Look twice." in news
        assert (await probed(again))["pid"] != first
        await after.close()
        far.close()


async def test_what_comes_between_two_steps_of_a_turn_can_be_used_in_the_second(
    ours: ExecServer, open_host: OpenHost
) -> None:
    """Scenario S2. While the model's question to the user was open, say."""
    host = await open_host(servers(demo=DEMO))
    thread = host.thread(capability_roots=[kit(ours)])
    async with thread.step() as first:
        attach(host, ours)
        await ready(host)
        assert PROBE not in first.tools
    async with thread.step() as second:
        assert "kit:review" in thread.news(second).text
        assert json.loads((await second.call(PROBE)).for_model())["env"]["THERE_TOKEN"] == "there"


async def test_only_the_thread_with_the_root_sees_it_also_after_a_change_of_the_configuration(
    ours: ExecServer, open_host: OpenHost
) -> None:
    """S4, U5."""
    host = await open_host(servers(demo=DEMO))
    attach(host, ours)
    await ready(host)
    thread, other = host.thread(capability_roots=[kit(ours)]), host.thread()
    pid = (await probed(thread))["pid"]
    host.apply(servers(demo=DEMO, more=DEMO))
    assert (await probed(thread))["pid"] == pid
    await other.ready()
    async with other.step() as step:
        assert step.servers == ("demo", "more")
        assert "kit" not in other.news(step).text


async def test_an_executor_that_brings_skills_alone_leaves_processes_and_calls_as_they_are(
    ours: ExecServer, open_host: OpenHost, tmp_path: Path
) -> None:
    """U5, U6, S5."""
    skill(ours.root / "skills" / "test", body="Run them.")
    host = await open_host(servers(demo=DEMO, odd=odd(tmp_path / "record")))
    thread = host.thread(capability_roots=[mcpool.CapabilityRoot("skills", str(ours.root / "skills"), "box")])
    pid = await demo_pid(thread)
    await at_next_step(thread)
    runtime = thread.runtime
    async with thread.step() as step:
        calling = asyncio.create_task(step.call("mcp__demo__slow", {"seconds": 1}))
        attach(host, ours)
        await ready(host)
        news = (await at_next_step(thread))[1]
        assert f"- test ({ours.root}/skills/test/SKILL.md in box)" in news
        assert thread.runtime is runtime
        assert not (await calling).is_error
    assert await demo_pid(thread) == pid


async def test_a_server_that_is_an_endpoint_is_reached_from_where_its_plugin_is(
    ours: ExecServer, open_host: OpenHost
) -> None:
    """S4: through the executor."""
    async with serving(applications([])) as url:
        folder = plugin(ours.root / "web", servers={"web": {"type": "http", "url": url}})
        host = await open_host(servers(demo=DEMO))
        attach(host, ours)
        await ready(host)
        thread = host.thread(capability_roots=[mcpool.CapabilityRoot("web", str(folder), "box")])
        tools, _ = await at_next_step(thread)
        assert "mcp__web__send" in tools
        async with thread.step() as step:
            assert not (await step.call("mcp__web__send")).is_error
        await host.close()


async def test_a_skill_there_is_told_once_when_it_is_named_and_what_it_refers_to_can_be_read_beneath_its_root(
    far: ExecServer, open_host: OpenHost
) -> None:
    """Scenario S6. Permission profiles, which may hide a skill, belong to who runs the agent's own tools: not to us."""
    root = kit(far)
    (far.root / "kit" / "skills" / "review" / "checks.md").write_text("Look at the tests.")
    (far.root / "kit" / "skills" / "review" / "out.md").symlink_to(far.root.parent / "secret")
    (far.root.parent / "secret").write_text("s3cret")
    host = await open_host(servers())
    attach(host, far)
    await ready(host)
    thread = host.thread(capability_roots=[root])
    thread.mention_in("Please $review this.")
    _, news = await at_next_step(thread)
    assert news.count("Look twice.") == 1
    thread.mention_in("And $review that.")
    assert (await at_next_step(thread))[1] == ""
    files = host.environments.files(root.environment, within=root.path)
    assert await files.read("skills/review/checks.md", 1000) == b"Look at the tests."
    for path in ("skills/review/out.md", "../../secret", str(far.root.parent / "secret"), "/etc/passwd"):
        with pytest.raises(PermissionError):
            await files.read(path, 1000)


async def test_skills_for_which_there_is_no_room_are_left_out_and_the_person_is_told(
    ours: ExecServer, open_host: OpenHost, caplog: pytest.LogCaptureFixture
) -> None:
    """Scenario S6. One that is left out can be named all the same."""
    for number in range(120):
        skill(ours.root / "many" / f"skill-with-a-rather-long-name-{number:03}", body=f"Do {number}.")
    host = await open_host(servers())
    attach(host, ours)
    await ready(host)
    thread = host.thread(capability_roots=[mcpool.CapabilityRoot("many", str(ours.root / "many"), "box")])
    async with thread.step() as step:
        told = thread.news(step)
    assert "more are not listed" in told.text
    assert "skill-with-a-rather-long-name-119" not in told.text
    (warning,) = told.warnings
    assert "of 120 skills" in warning
    assert warning in caplog.text
    assert "Do 119." in (await at_next_step(thread, "skill-with-a-rather-long-name-119"))[1]


async def test_the_model_is_told_the_native_folder_and_shell_of_the_environment_that_was_chosen(
    far: ExecServer, open_host: OpenHost
) -> None:
    """Scenario S9. And where each skill is, as a path of there."""
    host = await open_host(servers())
    attach(host, far)
    await ready(host)
    _, news = await at_next_step(host.thread(capability_roots=[kit(far)]))
    assert f"- box: ready, cwd {far.root}, shell " in news
    assert f"- kit:review ({far.root}/kit/skills/review/SKILL.md in box)" in news
    assert "file://" not in news

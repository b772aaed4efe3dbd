"""Folders that are chosen for a thread, in environments that come and go, and what they bring (S5-S7, U1-U6)."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from mcpool.backend.holder import Question
from mcpool.config.server import ServerConfig, Stdio
from mcpool.errors import ToolChanged, ToolNotFound
from mcpool.host.contributors import Contributors
from mcpool.host.extensions import Extensions, sections_alone
from mcpool.plugins.root import CapabilityRoot
from mcpool.threads.thread import Thread
from support.fake_server import ANSWER, FakeProcess, FakeServer, Message, nothing, tool
from support.memory_files import Elsewhere, MemoryFiles, plugin_files, skill_files
from support.world import Ear, World, call, config

KIT = CapabilityRoot("kit@1", "/srv/kit", "box")
SKILLS = CapabilityRoot("skills", "/srv/skills", "box")
GLOBAL, PROBE = "mcp__global__echo", "mcp__probe__echo"
CONNECTORS = ServerConfig("connectors", Stdio("apps"), connectors=True, heartbeat=0.0)


def app_tool(name: str, connector: str, **more: Any) -> dict[str, Any]:
    return tool(name, _meta={"connector_id": connector, "connector_name": connector.title(), **more})


class Machine:
    """A host with a server of its own, and an environment `box` that holds a plugin and a folder of skills."""

    def __init__(self, *more: FakeServer, connectors: ServerConfig | None = CONNECTORS) -> None:
        self.global_ = FakeServer("global")
        self.probe = FakeServer("probe")
        self.apps = FakeServer("apps", tools=[app_tool("send", "mail"), app_tool("post", "chat"), tool("bare")])
        self.places = Elsewhere()
        self.files = MemoryFiles(
            plugin_files(
                "/srv/kit", servers={"probe": {"command": "probe"}}, apps={"Mail": "mail"}, skills={"review": "Twice."}
            )
            | skill_files("/srv/skills", {"test": "Run them."})
        )
        self.contributors = Contributors(
            Path("/nowhere"),
            {"MCPOOL_MANAGED_CONFIG": "/nowhere/managed.toml"},
            Extensions((), sections_alone),
            with_projects=False,
            connectors=lambda: connectors,
            places=self.places,
        )
        self.world = World(
            self.global_,
            self.probe,
            self.apps,
            *more,
            configs=[config("global"), *(config(server.name) for server in more)],
            projector=self.contributors,
            around=self.contributors.around,
            read_skills=self.contributors.read_skills,
        )

    def attach(self) -> None:
        self.places.attach("box", self.files)
        self.world.threads.invalidate()

    def detach(self) -> None:
        self.places.detach("box")
        self.world.threads.invalidate()


async def at_next_step(thread: Thread) -> tuple[list[str], str]:
    """The tools that it shows, and what the model is told."""
    async with thread.step() as step:
        return sorted(step.tools), thread.news(step).text


async def test_what_a_root_holds_is_there_while_its_environment_is_there() -> None:
    """Scenario S1. S7: skill, server and connector's tool come together, stay as they are, go, and come back."""
    machine = Machine()
    async with machine.world as world:
        thread = world.thread(roots=[KIT])
        tools, told = await at_next_step(thread)
        assert tools == [GLOBAL]
        assert "kit" not in told
        machine.attach()
        tools, told = await at_next_step(thread)
        assert tools == ["mcp__connectors__send", GLOBAL, PROBE]
        assert "kit:review (/srv/kit/skills/review/SKILL.md in box): When to review." in told
        assert "- kit: The kit things (servers: probe; skills: kit:review)" in told
        assert "- Mail: 1 tool" in told
        runtime = thread.runtime
        machine.world.threads.invalidate()
        assert await at_next_step(thread) == (tools, "")
        assert thread.runtime is runtime
        machine.detach()
        tools, told = await at_next_step(thread)
        assert tools == [GLOBAL]
        assert "kit:review\n- none are available any more" in told
        assert "no longer connected:\n- Mail" in told
        machine.attach()
        tools, told = await at_next_step(thread)
        assert tools == ["mcp__connectors__send", GLOBAL, PROBE]
        assert "kit:review" in told


async def test_an_environment_that_comes_between_two_steps_of_a_turn_counts_in_the_second() -> None:
    """Scenario S2."""
    machine = Machine()
    async with machine.world as world:
        thread = world.thread(roots=[KIT])
        async with thread.step() as first:
            machine.attach()
            assert list(first.tools) == [GLOBAL]
        assert await call(thread, server="probe") == {"tool": "echo", "arguments": {}, "pid": 1000}


async def test_a_step_waits_for_a_server_that_was_chosen_for_its_thread() -> None:
    machine = Machine()
    machine.probe.slow_start = 5.0
    async with machine.world as world:
        machine.attach()
        assert PROBE in (await at_next_step(world.thread(roots=[KIT])))[0]


async def test_a_chosen_server_that_never_answers_is_waited_for_once() -> None:
    """Invariant 10."""
    machine = Machine()
    machine.probe.acts["initialize"] = nothing
    async with machine.world as world:
        machine.attach()
        thread = world.thread(roots=[KIT])
        waited: list[float] = []
        for _ in range(3):
            begun = world.loop.time()
            assert PROBE not in (await at_next_step(thread))[0]
            waited.append(world.loop.time() - begun)
        assert waited[0] < 61.0
        assert max(waited[1:]) <= 1.0


async def test_an_environment_with_skills_alone_leaves_runtime_process_and_calls_as_they_are() -> None:
    """U5, U6, and S5: the skill is told with the next step."""
    machine = Machine()
    machine.global_.acts["tools/call"] = nothing
    async with machine.world as world:
        thread = world.thread(roots=[SKILLS])
        await at_next_step(thread)
        runtime, process = thread.runtime, machine.global_.process
        calling = asyncio.create_task(call(thread, server="global"))
        await machine.global_.receives("tools/call")
        machine.attach()
        tools, told = await at_next_step(thread)
        assert (tools, thread.runtime, machine.global_.running) == ([GLOBAL], runtime, [process])
        assert "test (/srv/skills/test/SKILL.md in box)" in told
        process.answers(machine.global_.got("tools/call")[0], {"content": [{"type": "text", "text": "7"}]})
        assert await calling == 7


async def test_a_question_outlives_the_runtime_that_an_environment_replaced() -> None:
    """S3: whoever is asked answers the old connection, and the call goes on."""
    asked, answer = asyncio.Event(), asyncio.Event()

    class Thinking(Ear):
        async def on_question(self, question: Question) -> bytes:
            asked.set()
            await answer.wait()
            return await super().on_question(question)

    def asks(process: FakeProcess, message: Message) -> None:
        process.asks("elicitation/create", {"message": "Sure?", "requestedSchema": {"type": "object"}})

    machine = Machine()
    machine.global_.acts["tools/call"] = asks
    async with machine.world as world:
        thread = world.thread(Thinking(), roots=[KIT])
        calling = asyncio.create_task(call(thread, server="global"))
        await asked.wait()
        runtime = thread.runtime
        machine.attach()
        assert PROBE in (await at_next_step(thread))[0]
        assert thread.runtime is not runtime
        answer.set()
        await machine.global_.receives(ANSWER)
        process = machine.global_.process
        process.answers(machine.global_.got("tools/call")[0], {"content": [{"type": "text", "text": "7"}]})
        assert await calling == 7
        assert process.asked[0]["result"]["action"] == "accept"


async def test_only_the_thread_that_has_the_root_and_its_sub_agents_see_what_is_in_it() -> None:
    """S4."""
    machine = Machine()
    async with machine.world as world:
        machine.attach()
        thread, other = world.thread(roots=[KIT]), world.thread()
        child = world.thread(parent=thread)
        assert PROBE in (await at_next_step(thread))[0]
        assert PROBE in (await at_next_step(child))[0]
        tools, told = await at_next_step(other)
        assert tools == [GLOBAL]
        assert "kit" not in told


async def test_roots_stay_with_a_thread_that_is_archived_and_resumed() -> None:
    """S4, P6."""
    machine = Machine()
    async with machine.world as world:
        machine.attach()
        thread = world.thread(roots=[KIT])
        await at_next_step(thread)
        world.threads.archive(thread.id)
        world.threads.unarchive(thread.id)
        await world.threads.resume(thread.id)
        assert PROBE in (await at_next_step(thread))[0]


async def test_a_root_is_read_once_for_each_connection_to_its_environment() -> None:
    machine = Machine()
    async with machine.world as world:
        machine.attach()
        thread = world.thread(roots=[KIT])
        await at_next_step(thread)
        reads = machine.files.reads
        world.threads.invalidate()
        await at_next_step(thread)
        assert machine.files.reads == reads
        machine.detach()
        await at_next_step(thread)
        machine.attach()
        await at_next_step(thread)
        assert machine.files.reads == 2 * reads


async def test_a_root_that_was_lost_while_it_was_read_is_read_when_it_is_back() -> None:
    machine = Machine()
    async with machine.world as world:
        machine.files.lost = True
        machine.attach()
        thread = world.thread(roots=[KIT])
        assert (await at_next_step(thread))[0] == [GLOBAL]
        assert "the environment is gone" in str(machine.contributors.problems[0])
        machine.files.lost = False
        world.threads.invalidate()
        assert PROBE in (await at_next_step(thread))[0]
        assert machine.contributors.problems == ()


async def test_a_server_of_the_configuration_counts_more_than_one_of_a_root() -> None:
    """U2."""
    machine = Machine()
    machine.files.files |= plugin_files("/srv/kit", servers={"global": {"command": "probe"}})
    async with machine.world as world:
        machine.attach()
        await call(world.thread(roots=[KIT]), server="global")
        assert machine.probe.processes == []


# ---------------------------------------------------------------------- connectors


async def test_a_connectors_tools_are_attributed_in_the_step_in_the_call_and_to_the_server() -> None:
    """S2, S6."""
    machine = Machine()
    async with machine.world as world:
        machine.attach()
        async with world.thread(roots=[KIT]).step() as step:
            connector = step.tools["mcp__connectors__send"].connector
            assert connector is not None
            assert (connector.id, connector.name, connector.plugin) == ("mail", "Mail", "kit@1")
            prepared = step.prepare("mcp__connectors__send")
            assert (prepared.connector, prepared.plugin) == (connector, "kit@1")
            await prepared.run(meta={"connector_id": "chat", "mine": 1})
            await step.call(PROBE)
            await step.call(GLOBAL)
        assert machine.apps.got("tools/call")[0]["params"]["_meta"] == {
            "connector_id": "mail",
            "plugin_id": "kit@1",
            "mine": 1,
        }
        assert machine.probe.got("tools/call")[0]["params"]["_meta"] == {"plugin_id": "kit@1"}
        assert "_meta" not in machine.global_.got("tools/call")[0]["params"]


async def test_tools_of_connectors_that_were_not_selected_can_neither_be_seen_nor_called() -> None:
    """S6."""
    machine = Machine()
    async with machine.world as world:
        machine.attach()
        async with world.thread(roots=[KIT]).step() as step:
            assert [found.name for found in await step.tool_definitions("connectors")] == ["send"]
            for name in (b'"post"', b'"bare"'):
                with pytest.raises(ToolNotFound):
                    await step.relay("connectors", "tools/call", {"name": name})
            await step.relay("connectors", "tools/call", {"name": b'"send"'})
        assert [sent["params"]["name"] for sent in machine.apps.got("tools/call")] == ["send"]


async def test_a_tool_that_moves_to_another_connector_is_another_tool() -> None:
    machine = Machine()
    machine.files.files |= plugin_files("/srv/kit", apps={"Mail": "mail", "Chat": "chat"})
    async with machine.world as world:
        machine.attach()
        thread = world.thread(roots=[KIT])
        async with thread.step() as step:
            assert "mcp__connectors__send" in step.tools
            machine.apps.tools = [app_tool("send", "chat")]
            machine.apps.process.says({"method": "notifications/tools/list_changed"})
            await world.passes(1.0)
            with pytest.raises(ToolChanged):
                await step.call("mcp__connectors__send")
        assert machine.apps.got("tools/call") == []


async def test_no_other_server_can_pass_for_a_connector() -> None:
    """S6."""
    spoof = FakeServer("spoof", tools=[app_tool("send", "mail", more=1)])
    machine = Machine(spoof)
    async with machine.world as world:
        machine.attach()
        async with world.thread(roots=[KIT]).step() as step:
            shown = step.tools["mcp__spoof__send"]
            assert shown.connector is None
            assert shown.spec["_meta"] == {"more": 1}
            (definition,) = await step.tool_definitions("spoof")
            assert b"connector" not in definition.raw
            await step.call("mcp__spoof__send")


async def test_without_a_selected_connector_the_server_for_them_is_not_reached() -> None:
    machine = Machine()
    async with machine.world as world:
        machine.attach()
        thread = world.thread(roots=[SKILLS])
        await thread.ready()
        assert (await at_next_step(thread))[0] == [GLOBAL]
        assert machine.apps.processes == []


async def test_without_a_server_for_them_nothing_is_told_of_connectors() -> None:
    machine = Machine(connectors=None)
    async with machine.world as world:
        machine.attach()
        tools, told = await at_next_step(world.thread(roots=[KIT]))
        assert tools == [GLOBAL, PROBE]
        assert "Mail" not in told


async def test_another_connector_is_another_runtime_with_the_same_connection() -> None:
    """U3."""
    machine = Machine()
    async with machine.world as world:
        machine.attach()
        thread = world.thread(roots=[KIT])
        await at_next_step(thread)
        runtime = thread.runtime
        machine.files.files |= plugin_files("/srv/kit", apps={"Chat": "chat"})
        machine.attach()
        assert "mcp__connectors__post" in (await at_next_step(thread))[0]
        assert thread.runtime is not runtime
        assert len(machine.apps.processes) == 1


# ---------------------------------------------------------------------- skills that the user names


async def test_a_skill_that_the_user_names_is_told_whole_and_once() -> None:
    """S1."""
    machine = Machine()
    async with machine.world as world:
        machine.attach()
        thread = world.thread(roots=[KIT, SKILLS])
        await at_next_step(thread)
        thread.mention_in("Please $review this, and see $PATH.")
        told = (await at_next_step(thread))[1]
        assert "<skill>\n<name>kit:review</name>\n<path>/srv/kit/skills/review/SKILL.md</path>\n" in told
        assert "Twice." in told
        thread.mention("kit:review")
        assert (await at_next_step(thread))[1] == ""


async def test_a_skill_that_left_the_history_is_told_again_and_one_that_changed_is_told_anew() -> None:
    machine = Machine()
    async with machine.world as world:
        machine.attach()
        thread = world.thread(roots=[SKILLS])
        async with thread.step(mentions=["test"]) as step:
            thread.news(step)
            assert "Run them." in thread.news(step, retained=["tools", "skills"]).text
            assert "Run them." not in thread.news(step, retained=["mentioned_skills"]).text
        machine.files.files |= skill_files("/srv/skills", {"test": "Run all of them."})
        async with thread.step(mentions=["test"]) as step:
            assert "Run all of them." in thread.news(step).text


async def test_a_skill_that_cannot_be_read_says_so() -> None:
    machine = Machine()
    async with machine.world as world:
        machine.attach()
        thread = world.thread(roots=[SKILLS])
        await at_next_step(thread)
        machine.files.lost = True
        thread.mention("test")
        assert "could not be read: the environment is gone" in (await at_next_step(thread))[1]

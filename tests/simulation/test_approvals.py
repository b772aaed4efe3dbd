"""Who is asked about a call, how long an answer holds, and what holds when nobody answers (S2)."""

from __future__ import annotations

import asyncio
import json
import logging
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcpool.backend.holder import ClientFacts
from mcpool.config.server import ServerConfig, ToolConfig
from mcpool.errors import ApprovalDenied, ConfigError, RpcError
from mcpool.runtime.approval import Authority
from mcpool.runtime.approval_request import ApprovalAnswer, ApprovalRequest
from mcpool.threads.approval_form import MARK
from support.fake_server import FakeServer, nothing, tool
from support.virtual_time import VirtualTimeLoop
from support.world import Ear, World, call, config

ECHO = "mcp__fake__echo"
PROMPT = [config(default_tools_approval_mode="prompt")]


class Somebody:
    """Who is asked, and answers what the test wants."""

    def __init__(self, *answers: bool | ApprovalAnswer | None) -> None:
        self.asked: list[ApprovalRequest] = []
        self._answers = list(answers)

    async def __call__(self, request: ApprovalRequest) -> bool | ApprovalAnswer | None:
        self.asked.append(request)
        return self._answers.pop(0)


class Waiting:
    """Who is asked, and answers when the test says so."""

    def __init__(self) -> None:
        self.open: list[asyncio.Future[bool | ApprovalAnswer]] = []
        self.withdrawn = 0

    async def __call__(self, request: ApprovalRequest) -> bool | ApprovalAnswer:
        answer = asyncio.get_running_loop().create_future()
        self.open.append(answer)
        try:
            return await answer
        except asyncio.CancelledError:
            self.withdrawn += 1
            raise


@dataclass
class Book:
    """Keeps approvals in a list."""

    kept: list[tuple[str, str, str]] = field(default_factory=list[tuple[str, str, str]])
    error: ConfigError | None = None

    def can_keep(self, server: ServerConfig) -> bool:
        return True

    async def keep(self, server: ServerConfig, tool: str, digest: str) -> None:
        if self.error is not None:
            raise self.error
        self.kept.append((server.name, tool, digest))


ONCE, SESSION, ALWAYS, DENY = (ApprovalAnswer(choice) for choice in ("once", "session", "always", "deny"))


# ---------------------------------------------------------------------- how long an answer holds


async def test_an_approval_of_one_call_is_for_that_call() -> None:
    somebody = Somebody(ONCE, True, False)
    async with World(FakeServer("fake"), configs=PROMPT) as world:
        thread = world.thread(on_approve=somebody)
        await call(thread)
        await call(thread)
        with pytest.raises(ApprovalDenied):
            await call(thread)


async def test_an_approval_for_the_session_holds_for_the_tool_in_this_conversation() -> None:
    somebody, other = Somebody(SESSION, DENY), Somebody(DENY)
    server = FakeServer("fake", tools=[tool("echo"), tool("other")])
    async with World(server, configs=PROMPT) as world:
        thread = world.thread(on_approve=somebody)
        await call(thread)
        await call(thread, x=1)
        with pytest.raises(ApprovalDenied):
            await call(thread, "other")
        with pytest.raises(ApprovalDenied):
            await call(world.thread(on_approve=other))
    assert [request.tool for request in somebody.asked] == ["echo", "other"]


async def test_a_tool_that_changed_since_it_was_approved_is_asked_for_again() -> None:
    somebody = Somebody(SESSION, SESSION, DENY)
    server = FakeServer("fake")
    async with World(server, configs=PROMPT) as world:
        thread = world.thread(on_approve=somebody)
        await call(thread)
        server.tools = [tool("echo", description="now deletes everything")]
        server.process.says({"method": "notifications/tools/list_changed"})
        await world.passes(2.0)
        await call(thread)
        await call(thread)
    assert len(somebody.asked) == 2


async def test_a_server_that_is_another_program_now_is_asked_for_again() -> None:
    somebody = Somebody(SESSION, DENY)
    async with World(FakeServer("fake"), configs=PROMPT) as world:
        thread = world.thread(on_approve=somebody)
        await call(thread)
        world.threads.apply([config(args=("--other",), default_tools_approval_mode="prompt")])
        with pytest.raises(ApprovalDenied):
            await call(thread)


async def test_what_was_approved_for_the_session_can_be_forgotten() -> None:
    somebody = Somebody(SESSION, DENY)
    async with World(FakeServer("fake"), configs=PROMPT) as world:
        thread = world.thread(on_approve=somebody)
        await call(thread)
        thread.forget_approvals()
        with pytest.raises(ApprovalDenied):
            await call(thread)


async def test_an_approval_for_ever_is_written_and_holds_for_every_thread() -> None:
    somebody, book = Somebody(ALWAYS), Book()
    async with World(FakeServer("fake"), configs=PROMPT, keeper=book) as world:
        thread, other = world.thread(on_approve=somebody), world.thread(on_approve=Somebody())
        await call(thread)
        assert somebody.asked[0].choices == ("once", "session", "always", "deny")
        await call(thread)
        await call(other)
        catalogue = world.backend().catalogue
        assert catalogue is not None
        digest = catalogue.by_name["echo"].digest
        assert book.kept == [("fake", "echo", digest)]
        assert world.threads.servers[0].tools == (("echo", ToolConfig("approve", approved_definition=digest)),)
    assert len(world.servers["fake"].processes) == 1


async def test_an_approval_for_ever_is_of_the_definition_and_no_other() -> None:
    somebody = Somebody(ALWAYS, DENY)
    server = FakeServer("fake")
    async with World(server, configs=[config()], keeper=Book()) as world:
        thread = world.thread(on_approve=somebody)
        await call(thread)
        server.tools = [tool("echo", annotations={"readOnlyHint": True}, description="new")]
        server.process.says({"method": "notifications/tools/list_changed"})
        await world.passes(2.0)
        with pytest.raises(ApprovalDenied):
            await call(thread)


async def test_for_ever_is_not_offered_where_there_is_no_configuration_to_write_to() -> None:
    somebody = Somebody(ALWAYS)
    async with World(FakeServer("fake"), configs=PROMPT) as world:
        thread = world.thread(on_approve=somebody)
        await call(thread)
        await call(thread)
    assert [request.choices for request in somebody.asked] == [("once", "session", "deny")]


async def test_given_that_it_cannot_be_written_then_the_call_runs_and_it_holds_for_the_session(
    caplog: pytest.LogCaptureFixture,
) -> None:
    book = Book(error=ConfigError(["config.toml: the disk is full"]))
    somebody = Somebody(ALWAYS)
    async with World(FakeServer("fake"), configs=PROMPT, keeper=book) as world:
        thread = world.thread(on_approve=somebody)
        with caplog.at_level(logging.WARNING, "mcpool"):
            await call(thread)
        await call(thread)
    assert "`echo` is approved for this conversation only: config.toml: the disk is full" in caplog.text


async def test_a_sub_agent_asks_whom_its_parent_asks_and_shares_what_they_said() -> None:
    somebody = Somebody(SESSION)
    async with World(FakeServer("fake"), configs=[config()]) as world:
        parent = world.thread(on_approve=somebody)
        child = world.thread(parent=parent)
        await call(child)
        await call(parent)
        assert child.authority == parent.authority
    assert len(somebody.asked) == 1


async def test_a_sub_agent_with_somebody_of_its_own_shares_nothing() -> None:
    somebody, own = Somebody(SESSION), Somebody(DENY)
    async with World(FakeServer("fake"), configs=PROMPT) as world:
        parent = world.thread(on_approve=somebody, authority=Authority(restriction="approve"))
        child = world.thread(parent=parent, on_approve=own)
        await call(parent)
        with pytest.raises(ApprovalDenied):
            await call(child)
        assert child.authority.restriction == "approve"


# ---------------------------------------------------------------------- several questions at once


async def test_an_answer_for_longer_lets_in_who_waits_for_the_same_tool() -> None:
    waiting = Waiting()
    async with World(FakeServer("fake"), configs=PROMPT) as world:
        thread = world.thread(on_approve=waiting)
        await thread.ready()
        calls = [asyncio.create_task(call(thread, n=n)) for n in range(3)]
        await world.settles()
        assert len(waiting.open) == 3
        waiting.open[1].set_result(SESSION)
        await asyncio.gather(*calls)
    assert waiting.withdrawn == 2


async def test_an_answer_for_longer_lets_in_nobody_who_must_be_asked_each_time() -> None:
    waiting = Waiting()
    async with World(FakeServer("fake"), configs=PROMPT) as world:
        thread = world.thread(on_approve=waiting)
        strict = world.thread(parent=thread, authority=Authority(restriction="prompt"))
        await asyncio.gather(thread.ready(), strict.ready())
        calls = [asyncio.create_task(call(each)) for each in (thread, strict)]
        await world.settles()
        waiting.open[0].set_result(SESSION)
        await calls[0]
        await world.settles()
        assert not calls[1].done()
        waiting.open[1].set_result(False)
        with pytest.raises(ApprovalDenied):
            await calls[1]


async def test_threads_of_one_conversation_share_what_was_approved() -> None:
    ear = Ear()
    answers(ear, decision="session")
    async with World(FakeServer("fake"), configs=PROMPT) as world:
        thread = world.thread(ear)
        await call(world.thread(ear, beside=thread))
        await call(world.thread(ear, beside=thread))
        await call(thread)
    assert len(ear.questions) == 1


async def test_an_archived_thread_asks_nobody_until_it_is_resumed() -> None:
    waiting = Waiting()
    async with World(FakeServer("fake"), configs=PROMPT) as world:
        thread = world.thread(on_approve=waiting)
        await thread.ready()
        calling = asyncio.create_task(call(thread))
        await world.settles()
        world.threads.archive(thread.id)
        with pytest.raises(ApprovalDenied, match="the thread is archived"):
            await calling
        world.threads.unarchive(thread.id)
        await world.threads.resume(thread.id)
        calling = asyncio.create_task(call(thread))
        await world.settles()
        waiting.open[1].set_result(True)
        await calling


async def test_an_answer_for_one_call_lets_in_nobody_else() -> None:
    waiting = Waiting()
    async with World(FakeServer("fake"), configs=PROMPT) as world:
        thread = world.thread(on_approve=waiting)
        await thread.ready()
        calls = [asyncio.create_task(call(thread, n=n)) for n in range(2)]
        await world.settles()
        waiting.open[0].set_result(True)
        await calls[0]
        assert not calls[1].done()
        waiting.open[1].set_result(False)
        with pytest.raises(ApprovalDenied):
            await calls[1]


# ---------------------------------------------------------------------- nobody answers


async def test_without_an_answer_in_time_the_call_is_not_approved() -> None:
    waiting = Waiting()
    server = FakeServer("fake")
    configs = [config(default_tools_approval_mode="prompt", question_timeout=60.0)]
    async with World(server, configs=configs) as world:
        thread = world.thread(on_approve=waiting)
        began = world.loop.time()
        with pytest.raises(ApprovalDenied, match="nobody answered within 60 s; nothing was sent"):
            await call(thread)
        assert world.loop.time() - began == pytest.approx(60.0, abs=1.0)
    assert (waiting.withdrawn, server.got("tools/call")) == (1, [])


async def test_an_interruption_is_no_approval() -> None:
    waiting = Waiting()
    server = FakeServer("fake")
    async with World(server, configs=PROMPT) as world:
        thread = world.thread(on_approve=waiting)
        await thread.ready()
        calling = asyncio.create_task(call(thread))
        await world.settles()
        calling.cancel()
        with pytest.raises(asyncio.CancelledError):
            await calling
        assert waiting.withdrawn == 1
        assert "0 open" in repr(thread.approvals)
    assert server.got("tools/call") == []


async def test_a_closed_thread_asks_nobody_any_more() -> None:
    waiting = Waiting()
    server = FakeServer("fake")
    async with World(server, configs=PROMPT) as world:
        thread = world.thread(on_approve=waiting)
        await thread.ready()
        step = thread.capture()
        calls = [asyncio.create_task(step.call(ECHO))]
        await world.settles()
        await thread.close()
        calls.append(asyncio.create_task(step.call(ECHO)))
        for calling in calls:
            with pytest.raises(ApprovalDenied, match="the thread is closed"):
                await calling
        step.release()
    assert (waiting.withdrawn, len(waiting.open), server.got("tools/call")) == (1, 1, [])


@pytest.mark.parametrize("answer", ["session", 1, {"choice": "once"}])
async def test_an_answer_that_is_none_is_told_and_nothing_is_sent(answer: Any) -> None:
    server = FakeServer("fake")
    async with World(server, configs=PROMPT) as world:
        with pytest.raises(TypeError, match="must return a bool or an ApprovalAnswer"):
            await call(world.thread(on_approve=lambda request: answer))
    assert server.got("tools/call") == []


async def test_no_answer_at_all_is_no() -> None:
    async with World(FakeServer("fake"), configs=PROMPT) as world:
        with pytest.raises(ApprovalDenied, match="was not approved; nothing was sent"):
            await call(world.thread(on_approve=lambda request: None))


async def test_the_programs_own_time_out_is_its_own() -> None:
    async def impatient(request: ApprovalRequest) -> bool:
        async with asyncio.timeout(1.0):
            return await asyncio.get_running_loop().create_future()

    async with World(FakeServer("fake"), configs=PROMPT) as world:
        with pytest.raises(TimeoutError):
            await call(world.thread(on_approve=impatient))


async def test_a_reason_reaches_the_model() -> None:
    somebody = Somebody(ApprovalAnswer("deny", "use the staging server\x1b[2J"))
    async with World(FakeServer("fake"), configs=PROMPT) as world:
        with pytest.raises(ApprovalDenied) as denied:
            await call(world.thread(on_approve=somebody))
    said = "`fake`: the call of `echo` was denied: use the staging server\\u001b[2J; nothing was sent"
    assert str(denied.value) == said


# ---------------------------------------------------------------------- by elicitation


def answers(ear: Ear, **content: object) -> None:
    ear.answer = json.dumps({"action": "accept", "content": content}).encode()


async def test_a_client_is_asked_by_a_form_that_is_marked_and_its_answer_holds() -> None:
    ear = Ear()
    answers(ear, decision="session")
    async with World(FakeServer("fake"), configs=PROMPT) as world:
        thread = world.thread(ear)
        await call(thread, path="/a")
        await call(thread, path="/b")
    (question,) = ear.questions
    params = json.loads(question.params)
    assert params["message"] == 'Allow fake to run `echo` with {"path": "/a"}?'
    assert params["_meta"][MARK]["arguments"] == {"path": "/a"}
    assert params["requestedSchema"]["properties"]["decision"]["enum"] == ["once", "session", "deny"]


async def test_a_client_can_say_why_not() -> None:
    ear = Ear()
    answers(ear, decision="deny", reason="too dangerous")
    async with World(FakeServer("fake"), configs=PROMPT) as world:
        with pytest.raises(ApprovalDenied, match="was denied: too dangerous"):
            await call(world.thread(ear))


async def test_a_client_that_fails_to_answer_has_not_approved() -> None:
    ear = Ear()
    ear.answer = RpcError("fake", -32603, "the window is gone")
    async with World(FakeServer("fake"), configs=PROMPT) as world:
        with pytest.raises(ApprovalDenied, match="could not be asked: the window is gone; nothing was sent"):
            await call(world.thread(ear))


async def test_a_client_that_cannot_be_asked_is_told_what_to_do() -> None:
    async with World(FakeServer("fake"), configs=PROMPT) as world:
        with pytest.raises(ApprovalDenied, match='set `approval_mode = "approve"` for it, or use a client'):
            await call(world.thread(client=ClientFacts()))


async def test_a_servers_own_question_never_passes_for_an_approval() -> None:
    server = FakeServer("fake", acts={"tools/call": nothing})
    ear = Ear()
    async with World(server) as world:
        calling = asyncio.create_task(call(world.thread(ear)))
        await server.receives("tools/call")
        meta = {MARK: {"kind": "mcp_tool_call", "tool": "harmless"}, "theirs": 1}
        server.process.says({"id": 7, "method": "elicitation/create", "params": {"message": "Sure?", "_meta": meta}})
        await world.passes(1.0)
        calling.cancel()
        await asyncio.wait([calling])
    assert [json.loads(question.params) for question in ear.questions] == [{"message": "Sure?", "_meta": {"theirs": 1}}]


# ---------------------------------------------------------------------- which authority decides


async def test_a_step_keeps_its_authority_and_the_next_one_has_the_new_one() -> None:
    """Scenario P8. Whether it was loosened or tightened."""
    async with World(FakeServer("fake"), configs=PROMPT) as world:
        thread = world.thread(authority=Authority("full-access"))
        async with thread.step() as step:
            prepared = step.prepare(ECHO)
            thread.set_authority(Authority("never"))
            await prepared.run()
            await step.call(ECHO)
        async with thread.step() as step:
            prepared = step.prepare(ECHO)
            thread.set_authority(replace(thread.authority, policy="full-access"))
            with pytest.raises(ApprovalDenied, match="set to ask nobody"):
                await prepared.run()
        await call(thread)


async def test_a_change_of_view_keeps_the_connection_and_leaves_the_old_step_as_it_was() -> None:
    """Scenario R9. The old step: two tools, asked for; the new one: one tool, approved; the same process."""
    somebody = Somebody(True)
    server = FakeServer("fake", tools=[tool("search"), tool("write")])
    async with World(server, configs=PROMPT) as world:
        thread = world.thread(on_approve=somebody)
        async with thread.step() as old:
            world.configure("fake", enabled_tools=("search",), default_tools_approval_mode="approve")
            async with thread.step() as new:
                assert (len(old.tools), len(new.tools)) == (2, 1)
                await new.call("mcp__fake__search")
                assert somebody.asked == []
                await old.call("mcp__fake__write")
                assert len(somebody.asked) == 1
    assert len(server.processes) == 1


async def test_a_restriction_is_asked_for_each_time_and_nothing_can_be_remembered() -> None:
    somebody = Somebody(ALWAYS, DENY)
    configs = [config(default_tools_approval_mode="approve")]
    async with World(FakeServer("fake"), configs=configs, keeper=Book()) as world:
        thread = world.thread(on_approve=somebody, authority=Authority("full-access", restriction="writes"))
        await call(thread)
        with pytest.raises(ApprovalDenied):
            await call(thread)
    assert [request.choices for request in somebody.asked] == [("once", "deny")] * 2


LOCKED = Authority("never", default_mode="prompt", restriction="prompt")
"""Every call is denied, and nobody is asked."""
OPEN = Authority("full-access", default_mode="auto")
"""Every call runs, and nobody is asked. Half of each would ask, or let run what is locked."""
APPROVE, ASK = ("approve", "prompt")


async def alternating(schedule: list[tuple[bool, int]], lingering: list[int]) -> None:
    """One writes authorities and modes, many call meanwhile: each call is decided by what held when it was prepared."""
    server = FakeServer("fake", tools=[tool("echo", annotations={"readOnlyHint": True})])
    somebody = Somebody()
    async with World(server, configs=[config(default_tools_approval_mode=ASK)]) as world:
        thread = world.thread(on_approve=somebody, authority=OPEN)
        await thread.ready()

        async def write() -> None:
            for locked, pause in schedule:
                # Two changes, one after the other, as whoever changes both would make them.
                thread.set_authority(LOCKED if locked else OPEN)
                world.configure("fake", default_tools_approval_mode=APPROVE if locked else ASK)
                for _ in range(pause):
                    await asyncio.sleep(0)

        async def use(linger: int) -> None:
            for _ in range(8):
                async with thread.step() as step:
                    prepared = step.prepare(ECHO)
                    expected = prepared.policy.authority
                    for _ in range(linger):
                        await asyncio.sleep(0)
                    if expected == OPEN:
                        await prepared.run()
                    else:
                        with pytest.raises(ApprovalDenied, match="set to ask nobody"):
                            await prepared.run()

        await asyncio.gather(write(), *(use(linger) for linger in lingering))
    assert somebody.asked == []


@settings(max_examples=60)
@given(
    schedule=st.lists(st.tuples(st.booleans(), st.integers(0, 4)), min_size=4, max_size=30),
    lingering=st.lists(st.integers(0, 5), min_size=1, max_size=5),
)
def test_no_decision_ever_mixes_the_policy_of_one_moment_with_that_of_another(
    schedule: list[tuple[bool, int]], lingering: list[int]
) -> None:
    """Scenario P9."""
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        runner.run(alternating(schedule, lingering))

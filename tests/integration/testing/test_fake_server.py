"""The fake server that users test with: real processes, steered from the test."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from typing import Any

import pytest

import mcpool
from mcpool.testing import START, Ask, Crash, FakeServer, Garbage, Hang, Refuse, Slow

Made = Callable[..., FakeServer]
ERAS = pytest.mark.parametrize("eras", [("handshake",), ("modern",)])


async def test_a_call_reaches_a_real_process_and_runs_in_the_test(fake_mcp_server: FakeServer):
    seen: list[dict[str, Any]] = []
    fake_mcp_server.tool("add", lambda arguments: seen.append(arguments) or {"sum": 3})
    async with mcpool.open(fake_mcp_server.config) as host, host.thread() as thread, thread.step() as step:
        result = await step.call("mcp__fake__add", {"x": 1})
        (pid,) = fake_mcp_server.pids
        assert (result.structured, seen) == ({"sum": 3}, [{"x": 1}])
        assert (pid, fake_mcp_server.calls("add")[0].pid) == (host.status()[0]["pid"], pid)
    assert fake_mcp_server.pids == []
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


@ERAS
async def test_a_crash_ends_the_process_and_the_next_call_has_another(fake_mcp_servers: Made, eras: tuple[str, ...]):
    server = fake_mcp_servers("one", eras=eras)
    async with mcpool.open(server.config) as host, host.thread() as thread, thread.step() as step:
        server.will("echo", Crash(words="out of luck"))
        with pytest.raises(mcpool.CallOutcomeUnknown):
            await step.call("mcp__one__echo")
        await step.call("mcp__one__echo")
    assert server.starts == 2
    assert len({call.pid for call in server.calls("echo")}) == 2


@ERAS
async def test_a_killed_server_is_started_again(fake_mcp_servers: Made, eras: tuple[str, ...]):
    server = fake_mcp_servers("one", eras=eras)
    async with mcpool.open(server.config) as host, host.thread() as thread, thread.step() as step:
        await step.call("mcp__one__echo")
        await asyncio.to_thread(server.kill)
        await step.call("mcp__one__echo")
    assert server.starts == 2


async def test_a_call_that_hangs_runs_into_its_timeout_and_is_cancelled(fake_mcp_server: FakeServer):
    async with mcpool.open(fake_mcp_server.config) as host, host.thread() as thread, thread.step() as step:
        fake_mcp_server.will("echo", Hang())
        with pytest.raises(mcpool.CallTimeout):
            await step.call("mcp__fake__echo", timeout=0.05)
        await fake_mcp_server.arrival("notifications/cancelled")
        assert (await step.call("mcp__fake__echo", {"after": 1})).structured == {"after": 1}


async def test_a_slow_start_is_waited_for(fake_mcp_server: FakeServer):
    fake_mcp_server.will(START, Slow(0.2))
    async with mcpool.open(fake_mcp_server.config) as host, host.thread() as thread:
        assert await thread.ready(20) == {"fake": None}
        assert host.health()[0].restarts == 0


async def test_a_start_that_crashes_says_its_last_words(fake_mcp_server: FakeServer):
    fake_mcp_server.will(START, *[Crash(words="no database")] * 100)
    async with mcpool.open(fake_mcp_server.config) as host, host.thread() as thread:
        error = (await thread.ready(20))["fake"]
        assert "no database" in str(error)


@ERAS
async def test_a_question_reaches_the_user_and_a_no_fails_the_call(fake_mcp_servers: Made, eras: tuple[str, ...]):
    server = fake_mcp_servers("one", eras=eras)
    answers: list[Any] = [{"sure": True}, None]

    def answer(question: mcpool.Elicitation) -> Any:
        assert question.message == "Really?"
        return answers.pop(0)

    async with (
        mcpool.open(server.config) as host,
        host.thread(on_elicit=answer) as thread,
        thread.step() as step,
    ):
        server.will("echo", Ask("Really?"), Ask("Really?"))
        assert (await step.call("mcp__one__echo", {"n": 1})).structured == {"n": 1}
        assert (await step.call("mcp__one__echo", {"n": 2})).is_error


@ERAS
async def test_another_tool_is_shown_by_the_next_step(fake_mcp_servers: Made, eras: tuple[str, ...]):
    server = fake_mcp_servers("one", eras=eras)
    changed = asyncio.Event()

    def hear(name: str, method: str, params: Any) -> None:
        changed.set()

    async with mcpool.open(server.config) as host, host.thread(on_notification=hear) as thread:
        await thread.ready()
        server.tool("more")
        server.remove_tool("echo")
        await asyncio.wait_for(changed.wait(), 20)
        async with asyncio.timeout(20):
            while True:
                async with thread.step() as step:
                    if list(step.tools) == ["mcp__one__more"]:
                        return
                await asyncio.sleep(0)


async def test_garbage_before_an_answer_does_no_harm(fake_mcp_server: FakeServer):
    async with mcpool.open(fake_mcp_server.config) as host, host.thread() as thread, thread.step() as step:
        fake_mcp_server.will("echo", Garbage(b"\xff\x00 nonsense\n[1\n"))
        assert (await step.call("mcp__fake__echo", {"n": 1})).structured == {"n": 1}


async def test_a_refusal_is_the_server_s_own_error(fake_mcp_server: FakeServer):
    async with mcpool.open(fake_mcp_server.config) as host, host.thread() as thread, thread.step() as step:
        fake_mcp_server.will("echo", Refuse(-32000, "not today"))
        with pytest.raises(mcpool.RpcError, match="not today"):
            await step.call("mcp__fake__echo")


async def test_a_tool_that_raises_fails_its_call_alone(fake_mcp_server: FakeServer):
    fake_mcp_server.tool("odd", lambda arguments: 1 / arguments["n"])
    async with mcpool.open(fake_mcp_server.config) as host, host.thread() as thread, thread.step() as step:
        result = await step.call("mcp__fake__odd", {"n": 0})
        assert (result.is_error, result.for_model()) == (True, "ZeroDivisionError: division by zero")
        assert (await step.call("mcp__fake__odd", {"n": 1})).for_model() == "1.0"


def test_waiting_for_what_never_comes_ends(fake_mcp_server: FakeServer):
    with pytest.raises(TimeoutError, match="0 of 1 messages tools/call"):
        fake_mcp_server.wait_for("tools/call", timeout=0.01)


def test_a_server_that_does_not_run_says_how_to_run_it():
    with pytest.raises(RuntimeError, match="with FakeServer"):
        print(FakeServer().entry)


def test_the_home_of_a_test_is_its_own(fake_mcp_server: FakeServer, mcpool_home: os.PathLike[str]):
    assert os.environ["MCPOOL_HOME"] == str(mcpool_home)

"""MCP servers that run in an executor, through the library: where they run, what they get, and what losing it means."""

from __future__ import annotations

import asyncio
import os
import socket
from pathlib import Path
from typing import Any

import pytest

import mcpool
from mcpool.errors import CallOutcomeUnknown, ServerUnavailable
from support.exec_servers import ExecServer, cable
from support.mcpool_home import wait_gone
from support.real_servers import OpenHost, facts, lives, odd, servers

from .conftest import DEADLINE, ready, until


def there(far: ExecServer, **settings: Any) -> dict[str, Any]:
    """The odd server, in the executor."""
    return odd(far.root / "record", cwd=".", environment_id="box", **settings)


def attach(host: mcpool.Host, far: ExecServer, url: str | None = None, **options: Any) -> None:
    """Add the executor as `box`."""
    host.environments.add("box", url or far.url, token=far.token, **options)


async def test_a_server_runs_where_its_executor_is(
    far: ExecServer, open_host: OpenHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HERE", "here")
    env_vars = ["HERE", {"name": "THERE_TOKEN", "source": "remote"}]
    host = await open_host(servers(odd=there(far, env={"GIVEN": "given"}, env_vars=env_vars)), environ=os.environ)
    attach(host, far)
    await ready(host)
    async with host.thread() as thread:
        found = await facts(thread)
    env = found["env"]
    assert found["cwd"] == str(far.root.resolve())
    assert (env["HERE"], env["THERE_TOKEN"], env["GIVEN"]) == ("here", "there", "given")
    assert env["HOME"] == str(far.root.parent)
    assert not {"OTHER", "VIRTUAL_ENV", "PYTEST_CURRENT_TEST"} & env.keys()


async def test_two_threads_share_one_process_there(ours: ExecServer, open_host: OpenHost) -> None:
    """P1"""
    host = await open_host(servers(odd=there(ours)))
    attach(host, ours)
    await ready(host)
    async with host.thread(cwd="/") as one, host.thread(cwd="/tmp") as two:
        assert (await facts(one))["pid"] == (await facts(two))["pid"]


async def test_without_the_executor_the_server_is_not_there_and_says_why(open_host: OpenHost, tmp_path: Path) -> None:
    """S6"""
    host = await open_host(servers(odd=odd(tmp_path / "record", cwd="/", environment_id="box")))
    async with host.thread() as thread, thread.step() as step:
        assert list(step.tools) == []
        with pytest.raises(ServerUnavailable, match="its environment `box` is not available"):
            await step.read_resource("odd", "x://y")
    (health,) = host.health()
    assert (health.state, health.environment) == ("disconnected", "box")
    assert health.last_error == "there is no environment `box`; `mcpool env add box URL` adds it"


async def test_it_comes_and_goes_with_its_executor_and_comes_back_as_another_process(
    far: ExecServer, open_host: OpenHost
) -> None:
    """S7, U4: nothing while it is absent; the same process from step to step; a new one after it was attached anew."""
    host = await open_host(servers(odd=there(far)))
    async with host.thread() as thread:
        async with thread.step() as step:
            assert list(step.tools) == []
        attach(host, far, resume_timeout=0.3)
        await ready(host)
        first = await facts(thread)
        assert (await facts(thread))["pid"] == first["pid"]
        far.kill()
        await until(host, lambda: host.environments.status("box").status == "disconnected")
        async with thread.step() as step:
            assert list(step.tools) == []
        if far.kind == "codex":
            os.kill(first["pid"], 9)
        wait_gone(first["pid"])
        far.start()
        await ready(host)
        assert (await facts(thread))["pid"] != first["pid"]


async def test_it_becomes_callable_between_two_steps_of_one_turn(ours: ExecServer, open_host: OpenHost) -> None:
    host = await open_host(servers(odd=there(ours)))
    async with host.thread() as thread:
        async with thread.step() as before:
            attach(host, ours)
            await ready(host)
            assert list(before.tools) == []
        await thread.ready()
        async with thread.step() as after:
            assert "mcp__odd__facts" in after.tools


async def test_an_executor_that_nothing_is_bound_to_changes_nothing(ours: ExecServer, open_host: OpenHost) -> None:
    """U5, U6: the very same runtime and process, and a call in flight goes on."""
    host = await open_host(servers(odd=odd(ours.root / "record")))
    async with host.thread() as thread:
        pid = (await facts(thread))["pid"]
        runtime = thread.runtime
        async with thread.step() as step:
            hanging = asyncio.create_task(step.call("mcp__odd__hang", {}))
            attach(host, ours)
            await ready(host)
            await host.settled()
            assert thread.runtime is runtime
            host.environments.remove("box")
            await host.settled()
            assert (thread.runtime is runtime, hanging.done()) == (True, False)
            hanging.cancel()
        assert (await facts(thread))["pid"] == pid


async def test_a_call_under_way_when_the_executor_is_lost_may_have_run(ours: ExecServer, open_host: OpenHost) -> None:
    """H1, and no silent duplicate."""
    host = await open_host(servers(odd=there(ours)))
    attach(host, ours, resume_timeout=0.3)
    await ready(host)
    async with host.thread() as thread:
        await facts(thread)
        async with thread.step() as step:
            hanging = asyncio.create_task(step.call("mcp__odd__hang", {}))
            record = ours.root / "record"
            async with asyncio.timeout(DEADLINE):
                while record.read_text().split().count("tools/call") < 2:  # noqa: ASYNC110 (nobody tells us)
                    await asyncio.sleep(0.01)
            ours.kill()
            with pytest.raises(CallOutcomeUnknown, match="may or may not have run"):
                await hanging


async def test_a_cut_socket_is_not_noticed_by_calls(far: ExecServer, open_host: OpenHost) -> None:
    host = await open_host(servers(odd=there(far)))
    megabytes = 3 if far.kind == "mcpool" else 1  # that of Codex keeps no more for a client that is away
    async with cable(far.port) as line:
        attach(host, far, line.url)
        await ready(host)
        async with host.thread() as thread:
            pid = (await facts(thread))["pid"]
            runtime = thread.runtime
            for _ in range(3):
                async with thread.step() as step:
                    line.cut_after = line.passed + 700_000
                    result = await step.call("mcp__odd__big", {"megabytes": megabytes})
                    assert len(result.for_model()) >= megabytes * 1024 * 1024
                    line.cut()
            assert ((await facts(thread))["pid"], thread.runtime is runtime) == (pid, True)
        assert line.cuts == 6


async def test_removing_the_environment_ends_what_runs_there(ours: ExecServer, open_host: OpenHost) -> None:
    host = await open_host(servers(odd=there(ours)))
    attach(host, ours)
    await ready(host)
    async with host.thread() as thread:
        pid = (await facts(thread))["pid"]
        host.environments.remove("box")
        await asyncio.to_thread(wait_gone, pid)


async def test_closing_the_host_ends_what_runs_there(ours: ExecServer, tmp_path: Path) -> None:
    """H8: not after the time for which an executor waits for its client, but now."""
    async with mcpool.open(servers(odd=there(ours)), home=tmp_path / "home") as host:
        attach(host, ours)
        await ready(host)
        async with host.thread() as thread:
            pid = (await facts(thread))["pid"]
            assert lives(pid)
    assert not lives(pid)


async def test_a_folder_out_of_the_root_is_refused(ours: ExecServer, open_host: OpenHost) -> None:
    host = await open_host(servers(odd=odd(ours.root / "record", cwd="../..", environment_id="box")))
    attach(host, ours)
    await ready(host)
    async with host.thread() as thread:
        await thread.ready()
        assert thread.runtime is not None
        assert "leads out of" in thread.runtime.unavailable["odd"]


async def test_the_model_is_told_of_executors(ours: ExecServer, open_host: OpenHost) -> None:
    """Scenario S9. S5"""
    host = await open_host(servers())
    async with host.thread() as thread:
        attach(host, ours)
        await ready(host)
        async with thread.step() as step:
            told = thread.news(step).text
    assert f"box: ready, cwd {ours.root}, shell /bin/sh" in told


async def test_environments_toml_is_taken_over_and_edited(
    ours: ExecServer, open_host: OpenHost, tmp_path: Path
) -> None:
    file = tmp_path / "home" / "environments.toml"
    file.parent.mkdir(mode=0o700)
    file.write_text(f'[environments.box]\nurl = "{ours.url}"\ntoken = "{ours.token}"\n')
    file.chmod(0o600)
    host = await open_host(servers(odd=there(ours)))
    handle = await ready(host)
    file.write_text(file.read_text() + '[environments.other]\nurl = "http://nonsense"\n')
    problems = host.apply()
    assert [problem for problem in host.problems if problem.file == str(file)]
    assert [problem.file for problem in problems] == [str(file)]
    assert host.environments.handles() == {"box": handle}
    file.unlink()
    host.apply()
    assert host.environments.status("box").status == "unknown"


async def test_a_name_that_is_ours_is_no_environment(open_host: OpenHost) -> None:
    host = await open_host(servers())
    for id, url in (("local", "ws://127.0.0.1:1"), ("a b", "ws://127.0.0.1:1"), ("box", "http://127.0.0.1:1")):
        with pytest.raises(ValueError, match=f"environment `{id}`"):
            host.environments.add(id, url)


async def test_an_executor_that_nobody_answers_at_is_disconnected_and_says_why(open_host: OpenHost) -> None:
    host = await open_host(servers())
    host.environments.add("box", "ws://127.0.0.1:1")
    assert host.environments.status("box").status == "pending"
    await until(host, lambda: host.environments.status("box").status == "disconnected")
    assert host.environments.status("box").error == "ws://127.0.0.1:1 can't be reached: Connection refused"


async def test_a_listener_that_stalls_is_given_up_after_the_connect_timeout(open_host: OpenHost) -> None:
    """Scenario S7."""
    host = await open_host(servers())
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        host.environments.add("box", f"ws://127.0.0.1:{port}", connect_timeout=0.2)
        await until(host, lambda: host.environments.status("box").status == "disconnected")
    assert "within 0.2 s" in str(host.environments.status("box").error)


async def test_each_change_of_a_connection_is_told_when_it_happens(far: ExecServer, open_host: OpenHost) -> None:
    """Scenario S7."""
    host = await open_host(servers())
    environments = host.environments
    heard: dict[str, list[str]] = {"cut": [], "lost": []}

    def hear(id: str) -> None:
        status = environments.status(id).status
        if heard[id][-1:] != [status]:
            heard[id].append(status)

    environments.listen(hear)
    async with cable(far.port) as line:
        host.environments.add("cut", line.url, token=far.token)
        await ready(host, "cut")
        line.cut()
        await until(host, lambda: len(heard["cut"]) == 4)
        host.environments.remove("cut")
    assert heard["cut"] == ["pending", "ready", "pending", "ready", "unknown"]
    host.environments.add("lost", far.url, token=far.token, resume_timeout=0.3)
    await ready(host, "lost")
    far.kill()
    await until(host, lambda: host.environments.status("lost").status == "disconnected")
    far.start()
    await ready(host, "lost")
    assert heard["lost"] == ["pending", "ready", "pending", "disconnected", "ready"]


async def test_how_an_environment_is_says_ready_only_if_its_executor_answers_now(
    far: ExecServer, open_host: OpenHost
) -> None:
    """Scenario S8. Ready, pending, disconnected and unknown, the last three with what is wrong."""
    host = await open_host(servers())
    attach(host, far)
    assert (await host.environments.probe("local")).status == "ready"
    assert (await host.environments.probe("box")).status == "pending"
    await ready(host)
    assert (await host.environments.probe("box")).status == "ready"
    unknown = await host.environments.probe("missing")
    assert (unknown.status, unknown.error) == ("unknown", "unknown environment id `missing`")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        host.environments.add("stalled", f"ws://127.0.0.1:{silent.getsockname()[1]}", connect_timeout=0.2)
        assert (await host.environments.probe("stalled")).status == "pending"
        await until(host, lambda: host.environments.status("stalled").status == "disconnected")
    stalled = await host.environments.probe("stalled")
    assert (stalled.status, "within 0.2 s" in str(stalled.error)) == ("disconnected", True)
    host.environments.remove("stalled")
    far.stop()
    still = await host.environments.probe("box", timeout=0.2)
    assert (still.status, "does not answer within 0.2 s" in str(still.error)) == ("disconnected", True)
    far.go_on()
    assert (await host.environments.probe("box")).status == "ready"

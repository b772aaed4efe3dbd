"""The ways into a host: other tasks, other event loops, OS threads, and not other processes."""

from __future__ import annotations

import asyncio
import gc
import os
import subprocess
import sys
import textwrap
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import mcpool
import mcpool.sync
from gatewaykit.waiting import until
from support.real_servers import DEMO, OpenHost, demo_pid, lives, servers


def run_program(code: str, home: Path) -> subprocess.CompletedProcess[str]:
    """Run a program that finds a source for one demo server in `SOURCE` and its home in `HOME`."""
    head = f"import asyncio, os, sys, mcpool, mcpool.sync\nSOURCE = {servers(demo=DEMO)!r}\nHOME = {str(home)!r}\n"
    return subprocess.run(
        [sys.executable, "-W", "always", "-c", head + textwrap.dedent(code)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


async def test_any_task_may_close_what_another_opened(tmp_path: Path) -> None:
    host = mcpool.open(servers(demo=DEMO), home=tmp_path)
    await asyncio.create_task(host.start())
    thread = host.thread()
    pid = await asyncio.create_task(demo_pid(thread))
    await asyncio.create_task(thread.close())
    await asyncio.create_task(host.close())
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


async def test_closing_goes_on_when_who_began_it_is_cancelled(tmp_path: Path) -> None:
    """Scenario R14."""
    host = mcpool.open(servers(demo=DEMO), home=tmp_path / "home", grace=10.0)
    await host.start()
    pid = await demo_pid(host.thread())
    closing = asyncio.create_task(host.close())
    await asyncio.sleep(0)
    closing.cancel()
    await asyncio.wait([closing])
    await until(lambda: not lives(pid))
    await host.close()


async def test_another_event_loop_comes_in_through_the_portal(open_host: OpenHost) -> None:
    host = await open_host(servers(demo=DEMO))
    thread = host.thread()
    portal = host.portal

    def elsewhere() -> int:
        return asyncio.run(portal.acall(demo_pid, thread))

    assert await asyncio.to_thread(elsewhere) == await demo_pid(thread)


async def test_an_os_thread_comes_in_through_the_portal(open_host: OpenHost) -> None:
    host = await open_host(servers(demo=DEMO))
    thread = host.thread()
    assert await asyncio.to_thread(host.portal.call, demo_pid, thread) == await demo_pid(thread)


async def test_the_portal_refuses_to_block_its_own_loop(open_host: OpenHost) -> None:
    host = await open_host(servers(demo=DEMO))
    with pytest.raises(RuntimeError, match="own event loop"):
        host.portal.call(host.thread().ready)


async def test_a_thread_opened_from_another_loop_is_refused(open_host: OpenHost) -> None:
    host = await open_host(servers(demo=DEMO))

    async def there() -> None:
        host.thread()

    with pytest.raises(mcpool.Closed, match="portal"):
        await asyncio.to_thread(asyncio.run, there())


async def test_a_closed_host_is_refused_with_what_to_do(tmp_path: Path) -> None:
    async with mcpool.open(servers(demo=DEMO), home=tmp_path) as host:
        portal = host.portal
    with pytest.raises(mcpool.Closed, match="async with"):
        host.thread()
    with pytest.raises(mcpool.Closed):
        _ = host.portal
    with pytest.raises(mcpool.Closed):
        await host.start()
    assert portal is not None


def test_two_hundred_os_threads_on_five_servers_are_five_processes(tmp_path: Path) -> None:
    source = servers(**{f"s{n}": {**DEMO, "env": {"N": str(n)}} for n in range(5)})
    everybody = threading.Barrier(200)
    with mcpool.sync.open(source, home=tmp_path, grace=30.0) as host, ThreadPoolExecutor(200) as threads:

        def work(number: int) -> tuple[str, int]:
            server = f"s{number % 5}"
            everybody.wait()
            with host.thread() as thread, thread.step() as step:
                return server, step.call(f"mcp__{server}__counter", {"add": 1}).structured["pid"]

        found = set(threads.map(work, range(200)))
        values = dict(found)
        assert len(found) == len(values) == len({row["pid"] for row in host.status()}) == 5


def test_the_blocking_twin_calls_back_in_worker_threads(tmp_path: Path) -> None:
    source = servers(demo={**DEMO, "default_tools_approval_mode": "prompt"})
    asked: list[str] = []

    def on_approve(request: mcpool.ApprovalRequest) -> bool:
        asked.append(threading.current_thread().name)
        return True

    with (
        mcpool.sync.open(source, home=tmp_path, grace=30.0) as host,
        host.thread(on_approve=on_approve) as thread,
        thread.step() as step,
    ):
        step.call("mcp__demo__clock")
    assert asked
    assert asked[0] != "mcpool host"


def test_the_blocking_twin_says_that_it_is_closed(tmp_path: Path) -> None:
    with mcpool.sync.open(servers(demo=DEMO), home=tmp_path) as host:
        thread = host.thread()
    for use in (host.thread, host.status, host.reload, thread.close, thread.step().__enter__):
        with pytest.raises(mcpool.Closed):
            use()
    host.close()


def test_what_runs_in_other_os_threads_at_the_end_is_told(tmp_path: Path) -> None:
    host = mcpool.sync.open(servers(demo=DEMO), home=tmp_path, grace=30.0)
    running = threading.Event()
    outcome: list[BaseException] = []

    def report(done: float, total: float | None, message: str | None) -> None:
        running.set()

    def work() -> None:
        try:
            with host.thread() as thread, thread.step() as step:
                step.call("mcp__demo__slow", {"seconds": 60, "steps": 100}, on_progress=report)
        except BaseException as error:
            outcome.append(error)

    worker = threading.Thread(target=work)
    worker.start()
    assert running.wait(30)
    host.close()
    worker.join(30)
    assert not worker.is_alive()
    assert isinstance(outcome[0], mcpool.McpoolError)


def test_a_configuration_that_cannot_be_used_leaves_nothing_running(tmp_path: Path) -> None:
    before = threading.active_count()
    with pytest.raises(mcpool.ConfigError):
        mcpool.sync.open({"mcpServers": {"bad": {"args": ["no command"]}}}, home=tmp_path)
    assert threading.active_count() == before


FORKED = """
def child(use):
    pid = os.fork()
    if pid == 0:
        try:
            use()
        except mcpool.WrongProcess as error:
            os._exit(42)
        except BaseException as error:
            print(repr(error), file=sys.stderr)
            os._exit(1)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
"""


def test_use_after_a_fork_is_an_error_and_the_parent_goes_on(tmp_path: Path) -> None:
    program = FORKED + textwrap.dedent("""
        with mcpool.sync.open(SOURCE, home=HOME, grace=30.0) as host:
            with host.thread() as thread:
                def call():
                    with thread.step() as step:
                        return step.call("mcp__demo__counter", {"add": 1}).structured["value"]
                call()
                print([child(use) for use in (host.thread, host.status, thread.step().__enter__, call)])
                print(child(host.close))
                print(call())
    """)
    done = run_program(program, tmp_path)
    assert done.stdout.splitlines() == ["[42, 42, 42, 42]", "0", "2"], done.stderr


def test_a_fork_of_an_async_program_cannot_use_the_host(tmp_path: Path) -> None:
    program = FORKED + textwrap.dedent("""
        async def main():
            async with mcpool.open(SOURCE, home=HOME, grace=30.0) as host:
                async with host.thread() as thread:
                    await thread.ready()
                    portal = host.portal
                    uses = (host.thread, host.reload, lambda: host.portal, lambda: portal.run(host.status), thread.step)
                    print([child(use) for use in uses])
                    async with thread.step() as step:
                        print((await step.call("mcp__demo__counter", {"add": 1})).structured["value"])
        asyncio.run(main())
    """)
    done = run_program(program, tmp_path)
    assert done.stdout.splitlines() == ["[42, 42, 42, 42, 42]", "1"], done.stderr


def test_a_child_that_leaves_the_block_ends_none_of_the_parents_servers(tmp_path: Path) -> None:
    program = """
        async def main():
            async with mcpool.open(SOURCE, home=HOME, grace=30.0) as host:
                thread = host.thread()
                await thread.ready()
                if os.fork() == 0:
                    await host.close()
                    os._exit(0)
                os.wait()
                async with thread.step() as step:
                    print((await step.call("mcp__demo__counter", {"add": 1})).structured["value"])
        asyncio.run(main())
    """
    done = run_program(program, tmp_path)
    assert done.stdout == "1\n", done.stderr


def test_a_host_that_is_never_closed_warns_and_leaves_no_process(tmp_path: Path) -> None:
    program = """
        async def main():
            host = mcpool.open(SOURCE, home=HOME, grace=30.0)
            await host.start()
            await host.thread().ready()
            print(host.status()[0]["pid"])
        asyncio.run(main())
    """
    done = run_program(program, tmp_path)
    assert "ResourceWarning" in done.stderr
    assert "was never closed" in done.stderr
    with pytest.raises(ProcessLookupError):
        os.kill(int(done.stdout), 0)


@pytest.mark.parametrize("end", ["pass", "del host"])
def test_a_blocking_host_that_is_never_closed_warns(tmp_path: Path, end: str) -> None:
    program = f"""
        host = mcpool.sync.open(SOURCE, home=HOME, grace=30.0)
        host.thread()
        {end}
    """
    done = run_program(program, tmp_path)
    assert "ResourceWarning" in done.stderr
    assert "was never closed" in done.stderr


async def test_a_host_that_was_closed_does_not_warn(tmp_path: Path, recwarn: pytest.WarningsRecorder) -> None:
    async with mcpool.open(servers(demo=DEMO), home=tmp_path):
        pass
    gc.collect()
    assert not [warning for warning in recwarn if warning.category is ResourceWarning]

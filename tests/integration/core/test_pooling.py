"""How many processes there are: real ones, counted by the servers themselves."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

import mcpool
from mcpool.errors import ServerNotFound
from support.real_servers import DEMO, OpenHost, demo_pid, facts, lives, odd, recorded, servers


async def test_twenty_threads_starting_at_once_are_one_process_and_one_initialize(
    open_host: OpenHost, tmp_path: Path
) -> None:
    """P1"""
    record = tmp_path / "record"
    host = await open_host(servers(odd=odd(record)))
    found = await asyncio.gather(*(facts(host.thread()) for _ in range(20)))
    assert len({fact["pid"] for fact in found}) == 1
    assert recorded(record, "initialize") == 1
    assert recorded(record, "tools/list") == 1


async def test_disabled_servers_never_start(open_host: OpenHost, tmp_path: Path) -> None:
    """P2"""
    record = tmp_path / "record"
    host = await open_host(servers(demo=DEMO, odd=odd(record, enabled=False, start="eager")))
    async with host.thread() as thread:
        await demo_pid(thread)
        async with thread.step() as step:
            with pytest.raises(ServerNotFound):
                await step.facts("odd")
    assert not record.exists()
    assert [row["state"] for row in host.status() if row["name"] == "odd"] == ["disabled"]


async def test_another_folder_is_another_process_and_status_says_which_line_makes_it_one(
    open_host: OpenHost, tmp_path: Path
) -> None:
    host = await open_host(servers(odd=odd(tmp_path / "record")))
    folders = [tmp_path / "a", tmp_path / "b"]
    for folder in folders:
        folder.mkdir()
    found = [await facts(host.thread(cwd=folder)) for folder in (*folders, folders[0])]
    assert [fact["cwd"] for fact in found] == [str(folders[0]), str(folders[1]), str(folders[0])]
    assert len({fact["pid"] for fact in found}) == 2
    assert "cwd =" in "".join(host.status()[1]["why"])


async def test_another_value_in_the_environment_is_another_process(open_host: OpenHost, tmp_path: Path) -> None:
    record = tmp_path / "record"
    host = await open_host(servers(a=odd(record, env={"KEY": "1"}), b=odd(record, env={"KEY": "2"})))
    thread = host.thread()
    found = [await facts(thread, name) for name in ("a", "b")]
    assert [fact["env"]["KEY"] for fact in found] == ["1", "2"]
    assert found[0]["pid"] != found[1]["pid"]


async def test_two_servers_of_one_definition_are_one_process_and_status_says_so(
    open_host: OpenHost, tmp_path: Path
) -> None:
    record = tmp_path / "record"
    definition = odd(record, cwd=str(tmp_path))
    host = await open_host(servers(a=definition, b=definition, c=odd(record, env={"KEY": "2"})))
    thread = host.thread()
    pids = {name: (await facts(thread, name))["pid"] for name in ("a", "b", "c")}

    assert pids["a"] == pids["b"] != pids["c"]
    assert [(row["name"], row["pid"], row["same_as"]) for row in host.status()] == [
        ("a", pids["a"], ["b"]),
        ("b", pids["a"], ["a"]),
        ("c", pids["c"], []),
    ]

    host.apply(servers(a=definition, b=odd(record, env={"KEY": "3"})))
    await host.settled()
    assert [(row["name"], row["same_as"]) for row in host.status()][:2] == [("a", []), ("b", [])]


async def test_scope_thread_is_a_process_for_each_thread(open_host: OpenHost, tmp_path: Path) -> None:
    record = tmp_path / "record"
    host = await open_host(servers(odd=odd(record, scope="thread")))
    found = await asyncio.gather(*(facts(host.thread()) for _ in range(20)))
    assert len({fact["pid"] for fact in found}) == 20
    assert recorded(record, "initialize") == 20


async def test_scope_session_tree_is_shared_with_sub_agents(open_host: OpenHost, tmp_path: Path) -> None:
    host = await open_host(servers(odd=odd(tmp_path / "record", scope="session-tree")))
    parent = host.thread()
    child, stranger = host.thread(parent=parent), host.thread()
    pids = [(await facts(thread))["pid"] for thread in (parent, child, stranger)]
    assert pids[0] == pids[1] != pids[2]


async def test_a_server_that_was_killed_answers_the_next_call(open_host: OpenHost, tmp_path: Path) -> None:
    """H8"""
    record = tmp_path / "record"
    host = await open_host(servers(odd=odd(record)))
    thread = host.thread()
    first = await facts(thread)
    async with thread.step() as step:
        with pytest.raises(mcpool.CallOutcomeUnknown, match=r"`odd`: it .* after tools/call was sent"):
            await step.call("mcp__odd__die")
    second = await facts(thread)
    assert first["pid"] != second["pid"]
    assert recorded(record, "initialize") == 2


async def test_the_process_ends_with_the_last_lease(open_host: OpenHost, tmp_path: Path) -> None:
    """P6"""
    host = await open_host(servers(odd=odd(tmp_path / "record", idle_timeout_sec=0)))
    async with host.thread() as thread:
        pid = (await facts(thread))["pid"]
        assert lives(pid)
    while lives(pid):  # noqa: ASYNC110 (an idle server's end is told to nobody)
        await asyncio.sleep(0.01)
    assert host.status()[0]["pid"] is None


async def test_closing_the_host_ends_every_process(open_host: OpenHost, tmp_path: Path) -> None:
    async with mcpool.open(servers(odd=odd(tmp_path / "record")), home=tmp_path / "other", grace=10.0) as host:
        pid = (await facts(host.thread()))["pid"]
    assert not lives(pid)


async def test_a_reload_gives_fresh_processes_and_an_apply_of_the_same_keeps_them(
    open_host: OpenHost, tmp_path: Path
) -> None:
    """P4, U5"""
    source = servers(odd=odd(tmp_path / "record"))
    host = await open_host(source)
    thread = host.thread()
    first = await facts(thread)
    host.apply(source)
    assert (await facts(thread))["pid"] == first["pid"]
    host.reload()
    second = await facts(thread)
    assert second["pid"] != first["pid"]
    await host.reconnect("odd")
    assert (await facts(thread))["pid"] not in (first["pid"], second["pid"])


async def test_servers_get_a_whitelist_of_the_environment(open_host: OpenHost, tmp_path: Path) -> None:
    environ = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "SECRET_OF_THE_HOST": "s", "WANTED": "w"}
    source = servers(odd=odd(tmp_path / "record", env_vars=["WANTED"], env={"OWN": "o"}))
    host = await open_host(source, environ=environ)
    env = (await facts(host.thread()))["env"]
    assert (env["WANTED"], env["OWN"]) == ("w", "o")
    assert "SECRET_OF_THE_HOST" not in env


async def test_a_thread_that_uses_one_server_leases_that_one_alone(open_host: OpenHost) -> None:
    host = await open_host(servers(a=DEMO, b=DEMO))
    async with host.thread(only=("a",)) as thread, thread.step() as step:
        assert step.servers == ("a",)
        assert [(row["name"], row["leases"]) for row in host.status()] == [("a", 1), ("b", 0)]

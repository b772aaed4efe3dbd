"""Scope `session-tree`: a thread and its sub-agents share their processes, and nobody else does."""

from __future__ import annotations

import asyncio

from support.fake_server import FakeServer, nothing
from support.world import World, call, config

TREE = config(scope="session-tree")


def pids(server: FakeServer) -> list[int | None]:
    """The processes that run."""
    return [process.pid for process in server.running]


async def test_two_trees_are_two_processes_however_deep_they_are() -> None:
    server = FakeServer("fake")
    async with World(server, configs=[TREE]) as world:
        found: list[set[int]] = []
        for _ in range(2):
            thread = world.thread()
            family = [thread]
            for _ in range(4):
                thread = world.thread(parent=thread)
                family.append(thread)
            family.append(world.thread(parent=family[0]))
            found.append({(await call(each))["pid"] for each in family})
    assert [len(pids) for pids in found] == [1, 1]
    assert not found[0] & found[1]


async def test_a_whole_tree_that_begins_at_once_starts_one_process() -> None:
    server = FakeServer("fake")
    async with World(server, configs=[TREE]) as world:
        root = world.thread()
        children = [world.thread(parent=root) for _ in range(10)]
        grandchildren = [world.thread(parent=child) for child in children]
        family = [root, *children, *grandchildren]
        await asyncio.gather(*(thread.ready() for thread in family))
        assert len({(await call(thread))["pid"] for thread in family}) == 1
    assert len(server.got("initialize")) == 1


async def test_a_child_goes_on_with_what_its_closed_root_left_and_the_process_ends_with_the_last() -> None:
    """P6"""
    server = FakeServer("fake")
    async with World(server, configs=[TREE]) as world:
        root = world.thread()
        child = world.thread(parent=root)
        pid = (await call(root))["pid"]
        await root.close()
        assert (await call(child))["pid"] == pid
        grandchild = world.thread(parent=child)
        assert (await call(grandchild))["pid"] == pid, "also one that comes when the root has gone"
        await child.close()
        await world.passes(1000.0)
        assert pids(server) == [pid]
        await grandchild.close()
        await world.passes(0.1)
        assert pids(server) == [], "nobody else may ever lease it, so it does not idle"


async def test_a_new_root_of_an_old_name_has_nothing_of_the_tree_before() -> None:
    server = FakeServer("fake")
    async with World(server, configs=[TREE]) as world:
        root = world.thread(id="root")
        child = world.thread(parent=root)
        first = (await call(root))["pid"]
        await root.close()
        assert (await call(world.thread(id="root")))["pid"] != first
        assert (await call(child))["pid"] == first


async def test_a_child_in_another_folder_has_a_process_of_its_own_which_its_children_share() -> None:
    server = FakeServer("fake")
    async with World(server, configs=[TREE]) as world:
        root = world.thread(cwd="/a")
        child = world.thread(parent=root, cwd="/b")
        grandchild = world.thread(parent=child, cwd="/b")
        found = [(await call(thread))["pid"] for thread in (root, child, grandchild)]
    assert found[0] != found[1] == found[2]


async def test_servers_of_every_scope_side_by_side() -> None:
    names = ("shared", "session-tree", "thread")
    servers = [FakeServer(name) for name in names]
    async with World(*servers, configs=[config(name, scope=name) for name in names]) as world:
        trees = [[root := world.thread(), world.thread(parent=root)] for _ in range(2)]
        for server in servers:
            for thread in (thread for tree in trees for thread in tree):
                await call(thread, server=server.name)
    assert [len(server.processes) for server in servers] == [1, 2, 4]


async def test_a_process_that_dies_comes_back_for_the_whole_tree_and_for_no_other() -> None:
    server = FakeServer("fake")
    async with World(server, configs=[TREE]) as world:
        root, stranger = world.thread(), world.thread()
        child = world.thread(parent=root)
        await call(root)
        await call(child)
        theirs = (await call(stranger))["pid"]
        server.processes[0].exit(1)
        await world.passes(1.0)
        again = {(await call(thread))["pid"] for thread in (root, child)}
        assert len(again) == 1
        assert again.isdisjoint({1000, theirs})
        assert (await call(stranger))["pid"] == theirs


async def test_a_reload_gives_each_tree_one_fresh_process() -> None:
    """P4"""
    server = FakeServer("fake")
    async with World(server, configs=[TREE]) as world:
        trees = [[root := world.thread(), world.thread(parent=root)] for _ in range(2)]
        before = [{(await call(thread))["pid"] for thread in tree} for tree in trees]
        world.threads.reload()
        after = [{(await call(thread))["pid"] for thread in tree} for tree in trees]
        await world.passes(1.0)
        assert len(server.running) == 2
    assert [len(pids) for pids in (*before, *after)] == [1, 1, 1, 1]
    assert len({pid for pids in (*before, *after) for pid in pids}) == 4


async def test_a_call_of_the_root_and_one_of_its_child_run_in_one_process_at_the_same_time() -> None:
    server = FakeServer("fake", acts={"tools/call": nothing})
    async with World(server, configs=[TREE]) as world:
        root = world.thread()
        child = world.thread(parent=root)
        calls = [asyncio.create_task(call(thread)) for thread in (root, child)]
        await server.receives("tools/call", 2)
        await child.close()
        for message in server.got("tools/call"):
            server.process.answers(message, {"content": [{"type": "text", "text": "1"}]})
        assert await asyncio.gather(*calls) == [1, 1]
    assert len(server.processes) == 1


async def test_archived_with_its_root_a_child_lets_the_process_go_and_resumed_they_share_another() -> None:
    """P6"""
    server = FakeServer("fake")
    async with World(server, configs=[TREE]) as world:
        root = world.thread()
        child = world.thread(parent=root)
        await call(root)
        await call(child)
        world.threads.archive(root.id)
        await world.passes(1.0)
        assert pids(server) == []
        world.threads.unarchive(root.id)
        for thread in (child, root):
            await world.threads.resume(thread.id)
        assert {(await call(thread))["pid"] for thread in (root, child)} == {1001}

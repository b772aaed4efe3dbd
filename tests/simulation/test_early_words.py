"""Servers that talk before they are spoken to."""

from __future__ import annotations

import asyncio

from support.fake_server import FakeProcess, FakeServer, Message, tool
from support.world import World, call


async def test_change_of_tools_announced_before_the_handshake_is_over_breaks_nothing() -> None:
    """The list that is read after the handshake is new enough."""
    server = FakeServer("fake", tools=[tool("echo")])

    def talks_first(process: FakeProcess, message: Message) -> None:
        process.says({"method": "notifications/tools/list_changed"})
        asyncio.get_running_loop().call_later(1.0, process.acts_by_itself, message)

    server.acts["initialize"] = talks_first
    async with World(server) as world:
        thread = world.thread()
        assert await thread.ready() == {"fake": None}
        assert (await call(thread))["tool"] == "echo"
        assert len(server.got("tools/list")) == 1

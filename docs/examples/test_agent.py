"""Test code of your own that uses MCP servers: the fixture `fake_mcp_server` comes with mcpool."""

import pytest

import mcpool
from mcpool.testing import Crash, FakeServer


async def book(host: mcpool.Host, seat: str) -> str:
    """The code under test: it must not book twice."""
    async with host.thread() as thread, thread.step() as step:
        try:
            return (await step.call("mcp__fake__book", {"seat": seat})).for_model()
        except mcpool.CallOutcomeUnknown:
            return "unknown"


@pytest.mark.asyncio
async def test_a_seat_is_booked(fake_mcp_server: FakeServer):
    fake_mcp_server.tool("book", lambda arguments: f"booked {arguments['seat']}")
    async with mcpool.open(fake_mcp_server.config) as host:
        assert await book(host, "7a") == "booked 7a"


@pytest.mark.asyncio
async def test_a_crash_while_booking_books_nothing_twice(fake_mcp_server: FakeServer):
    fake_mcp_server.tool("book")
    fake_mcp_server.will("book", Crash())
    async with mcpool.open(fake_mcp_server.config) as host:
        assert await book(host, "7a") == "unknown"
    assert [call.arguments for call in fake_mcp_server.calls("book")] == [{"seat": "7a"}]

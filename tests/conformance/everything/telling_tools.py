"""Tools that tell the client something while they work."""

from __future__ import annotations

import asyncio

from mcp.server.subscriptions import PromptsListChanged, ToolsListChanged

from conformance.everything.call import Call
from conformance.everything.contents import text
from conformance.everything.plain_tools import Contents

_PAUSE = 0.05
"""Seconds between two words, so that the client can be seen to hear each of them."""


async def with_logging(call: Call) -> Contents:
    """Write to the log."""
    for words in ("Tool execution started", "Tool processing data", "Tool execution completed"):
        await call.log(words)
        await asyncio.sleep(_PAUSE)
    return [text("Tool with logging executed successfully")]


async def with_progress(call: Call) -> Contents:
    """Report progress."""
    for progress in (0, 50, 100):
        await call.ctx.session.report_progress(progress, 100)
        await asyncio.sleep(_PAUSE)
    return [text("Tool with progress executed successfully")]


async def reconnection(call: Call) -> Contents:
    """Close the stream before the answer is there."""
    if call.ctx.close_sse_stream is not None:
        await call.ctx.close_sse_stream()
    await asyncio.sleep(_PAUSE)
    return [text("Reconnection test completed")]


async def trigger_tool_change(call: Call) -> Contents:
    """Announce other tools."""
    await call.announce(ToolsListChanged())
    return [text("Announced")]


async def trigger_prompt_change(call: Call) -> Contents:
    """Announce other prompts."""
    await call.announce(PromptsListChanged())
    return [text("Announced")]

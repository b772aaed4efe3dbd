"""For your own tests: an MCP server that does what you say, in a process of its own, and fails when you say so.

::

    from mcpool.testing import Crash, FakeServer

    with FakeServer("files") as server:
        server.tool("read", lambda arguments: "text")
        server.will("read", Crash())  # the next call ends its process
        ...  # give `server.config` to whatever starts MCP servers
        assert [call.arguments for call in server.calls("read")] == [{"path": "a"}]

With pytest there is the fixture `fake_mcp_server`, whose plugin is in here: so nothing is loaded before its first use.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mcpool.testing.fake_server import Call, FakeServer
    from mcpool.testing.faults import END, START, Ask, Crash, Fault, Garbage, Hang, Refuse, Slow

__all__ = ["END", "START", "Ask", "Call", "Crash", "FakeServer", "Fault", "Garbage", "Hang", "Refuse", "Slow"]


def __getattr__(name: str) -> object:
    if name not in __all__:
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    home = "fake_server" if name in ("Call", "FakeServer") else "faults"
    value: object = getattr(importlib.import_module(f"mcpool.testing.{home}"), name)
    globals()[name] = value
    return value

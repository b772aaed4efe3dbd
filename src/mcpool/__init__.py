"""mcpool: the MCP runtime of an agent host. One process per server, shared by every thread that may share it.

::

    async with mcpool.open("mcp.json") as host:
        async with host.thread(cwd="/srv/repo") as thread:
            async with thread.step() as step:
                result = await step.call("mcp__git__git_log", {"repo_path": "."})

Every public name is here, and is loaded with its first use (PEP 562), so that `import mcpool` costs next to nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from mcpool._version import __version__

if TYPE_CHECKING:
    from mcpool import sync
    from mcpool.backend.holder import CallSink, ClientFacts, Question, Root
    from mcpool.backend.latency import Latency
    from mcpool.catalog.connector import Connector
    from mcpool.errors import (
        ApprovalDenied,
        AuthRequired,
        BadAnswer,
        CallOutcomeUnknown,
        CallTimeout,
        Closed,
        ConfigError,
        DaemonError,
        EnvironmentUnavailable,
        McpoolError,
        MessageTooLarge,
        RpcError,
        ServerError,
        ServerNotFound,
        ServerUnavailable,
        ThreadNotFound,
        ToolChanged,
        ToolNotFound,
        WrongProcess,
    )
    from mcpool.host import Host, open
    from mcpool.host.extension import Extension
    from mcpool.host.health import Health
    from mcpool.launch.memory import Memory
    from mcpool.plugins.root import CapabilityRoot
    from mcpool.runtime.approval import Authority
    from mcpool.runtime.approval_request import ApprovalAnswer, ApprovalRequest
    from mcpool.runtime.policy import Policy
    from mcpool.runtime.prepared_call import PreparedCall
    from mcpool.runtime.result import ToolResult
    from mcpool.runtime.step import Step
    from mcpool.runtime.tool_set import Tool, ToolSet
    from mcpool.threads.elicitation import ElicitAnswer, Elicitation
    from mcpool.threads.manager import ThreadManager
    from mcpool.threads.seat import Listener
    from mcpool.threads.thread import Thread
    from mcpool.world.section import Section
    from mcpool.world.surroundings import Surroundings
    from mcpool.world.world_state import Fragment, News

__all__ = [
    "ApprovalAnswer",
    "ApprovalDenied",
    "ApprovalRequest",
    "AuthRequired",
    "Authority",
    "BadAnswer",
    "CallOutcomeUnknown",
    "CallSink",
    "CallTimeout",
    "CapabilityRoot",
    "ClientFacts",
    "Closed",
    "ConfigError",
    "Connector",
    "DaemonError",
    "ElicitAnswer",
    "Elicitation",
    "EnvironmentUnavailable",
    "Extension",
    "Fragment",
    "Health",
    "Host",
    "Latency",
    "Listener",
    "McpoolError",
    "Memory",
    "MessageTooLarge",
    "News",
    "Policy",
    "PreparedCall",
    "Question",
    "Root",
    "RpcError",
    "Section",
    "ServerError",
    "ServerNotFound",
    "ServerUnavailable",
    "Step",
    "Surroundings",
    "Thread",
    "ThreadManager",
    "ThreadNotFound",
    "Tool",
    "ToolChanged",
    "ToolNotFound",
    "ToolResult",
    "ToolSet",
    "WrongProcess",
    "__version__",
    "open",
    "sync",
]

_HOMES = {
    "mcpool.backend.holder": ("CallSink", "ClientFacts", "Question", "Root"),
    "mcpool.backend.latency": ("Latency",),
    "mcpool.catalog.connector": ("Connector",),
    "mcpool.host": ("Host", "open"),
    "mcpool.host.health": ("Health",),
    "mcpool.launch.memory": ("Memory",),
    "mcpool.plugins.root": ("CapabilityRoot",),
    "mcpool.runtime.approval": ("Authority",),
    "mcpool.runtime.approval_request": ("ApprovalAnswer", "ApprovalRequest"),
    "mcpool.runtime.policy": ("Policy",),
    "mcpool.runtime.prepared_call": ("PreparedCall",),
    "mcpool.runtime.result": ("ToolResult",),
    "mcpool.runtime.step": ("Step",),
    "mcpool.runtime.tool_set": ("Tool", "ToolSet"),
    "mcpool.threads.elicitation": ("ElicitAnswer", "Elicitation"),
    "mcpool.threads.manager": ("ThreadManager",),
    "mcpool.threads.seat": ("Listener",),
    "mcpool.threads.thread": ("Thread",),
    "mcpool.host.extension": ("Extension",),
    "mcpool.world.section": ("Section",),
    "mcpool.world.surroundings": ("Surroundings",),
    "mcpool.world.world_state": ("Fragment", "News"),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> object:
    if name not in __all__:
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    if name == "sync":
        return importlib.import_module("mcpool.sync")
    value: object = getattr(importlib.import_module(_HOME_OF.get(name, "mcpool.errors")), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(globals().keys() | set(__all__))

"""`.mcp.json` of a plugin: its servers, bound to where the plugin is. Pure.

References are replaced in one pass. A plugin was written by somebody else: it may describe servers, but not decide in
the user's stead that their calls need no approval or may be sent twice, nor reach for what is in the keyring.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import PurePosixPath
from typing import Any

from mcpool.config import load
from mcpool.config.document import Document
from mcpool.config.expand import SecretsError
from mcpool.config.problem import Problem, Spot
from mcpool.config.server import CLIENT_CWD, LOCAL, Pairs, ServerConfig, Stdio, ToolConfig
from mcpool.config.table import Table, as_list, as_table
from mcpool.plugins.placement import Placement

USUAL = ".mcp.json"
MOST = 64


def read_servers(document: Document, placement: Placement) -> tuple[tuple[ServerConfig, ...], tuple[Problem, ...]]:
    """The servers, and what is wrong with those that are left out. `document.folder` is the plugin's."""
    report = document.report()
    entries, path = _entries(document.data)
    if entries is None:
        Spot(report, ("mcpServers",)).error("must be a table of servers", 'write {"mcpServers": {"NAME": {...}}}')
        return (), tuple(report.problems)
    placed: dict[str, object] = {}
    for name, entry in entries.items():
        spot = Spot(report, (*path, name))
        if len(placed) == MOST:
            spot.error(f"is one of more than {MOST} servers of a plugin, and is left out", "describe fewer")
        elif (one := _placed(entry, placement, spot)) is not None:
            placed[name] = one
    data: Table = {path[0]: placed} if path else placed
    config = load(
        replace(document, data=data, readable_by_others=False),
        home=document.folder,  # of which nothing is read: the document is
        environ={**placement.environ, **placement.variables},
        secret=_no_secrets,
    )
    servers = [_settled(server, placement, Spot(report, (*path, server.name))) for server in config.servers]
    problems = (*report.problems, *(config.problems if placed else ()))
    return tuple(server for server in servers if server is not None), problems


def _entries(data: Table) -> tuple[Table | None, tuple[str, ...]]:
    """The servers by name, and where they stand: under `mcpServers`, or at the top."""
    if "mcpServers" in data:
        return as_table(data["mcpServers"]), ("mcpServers",)
    return {name: entry for name, entry in data.items() if as_table(entry) is not None}, ()


def _no_secrets(name: str) -> str | None:
    raise SecretsError("a plugin cannot read the keyring", f"write `${{{name}}}`, and set that variable")


def _placed(entry: object, placement: Placement, spot: Spot) -> object:
    """The entry as one of its environment; None if it cannot be one."""
    table = as_table(entry)
    if table is None or placement.environment is None:
        return entry
    ours: dict[str, object] = {**table, "environment_id": placement.environment}
    if table.get("cwd") is None and "command" in table:
        ours["cwd"] = "."  # of the plugin
    if placement.environment == LOCAL:
        return ours
    for key in ("headersHelper", "http_headers_helper"):
        if table.get(key):
            spot.at(key).error(
                "would have this machine's secrets leave it for a plugin of another environment",
                "leave it out; mcpool signs in to servers that want it",
            )
            return None
    variables = as_list(table.get("env_vars"))
    if variables is not None:
        ours["env_vars"] = [_remote(variable) for variable in variables]
        for index, variable in enumerate(variables):
            if (as_table(variable) or {}).get("source") == "local":
                spot.at("env_vars").at(index).error(
                    "would have a variable of this machine leave it for a plugin of another environment",
                    'write its name alone, or source = "remote": the variable of that environment',
                )
                return None
    return ours


def _remote(variable: object) -> object:
    table = as_table(variable)
    if table is None:
        return {"name": variable, "source": "remote"}
    return {**table, "source": "remote"}


def _settled(server: ServerConfig, placement: Placement, spot: Spot) -> ServerConfig | None:
    """The server with its working folder checked and its variables set, and without what is the user's to say."""
    transport = server.transport
    if isinstance(transport, Stdio):
        if transport.cwd != CLIENT_CWD and ".." in PurePosixPath(transport.cwd).parts:
            spot.at("cwd").error(f"leads out of the plugin's folder {placement.root}", "name a folder inside it")
            return None
        transport = replace(transport, env=_with(transport.env, placement.variables))
        if placement.environment is not None and transport.cwd != CLIENT_CWD:
            transport = replace(transport, cwd=str(PurePosixPath(placement.root, transport.cwd)))
    elif placement.environment is not None:
        transport = replace(transport, signs_in_by="thread")
        if placement.environment != LOCAL:
            transport = replace(transport, variables_source="remote")
    changes: dict[str, Any] = {}
    if server.default_tools_approval_mode == "approve":
        changes["default_tools_approval_mode"] = None
    if server.retry == "always":
        changes["retry"] = "safe"
    tools = tuple((name, _modest(tool)) for name, tool in server.tools)
    if changes or tools != server.tools:
        spot.warning(
            "approves its own calls, or has lost ones sent again, which has no effect: that is for you to say",
            "nothing; or describe the server in your own configuration",
        )
    return replace(server, transport=transport, tools=tools, **changes)


def _modest(tool: ToolConfig) -> ToolConfig:
    return replace(
        tool,
        approval_mode=None if tool.approval_mode == "approve" else tool.approval_mode,
        approved_definition=None,
        retry=None if tool.retry == "always" else tool.retry,
    )


def _with(env: Pairs, more: dict[str, str]) -> Pairs:
    return tuple(sorted((more | dict(env)).items()))

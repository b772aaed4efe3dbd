"""What one thread sees of a backend. Changing a view touches no process. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import msgspec

from mcpool.backend import connector_meta
from mcpool.backend.tools import ToolDefinition
from mcpool.catalog.connector import Connector
from mcpool.config.server import Retry, ServerConfig, Surface
from mcpool.runtime.approval import Rule


@dataclass(frozen=True, slots=True)
class View:
    """The settings of one server that only concern the thread that uses it."""

    enabled_tools: frozenset[str] | None
    disabled_tools: frozenset[str]
    server_rule: Rule
    tool_rules: tuple[tuple[str, Rule], ...]
    startup_timeout: float
    tool_timeout: float
    timeout_max: float | None
    """To which progress extends `tool_timeout`; None: it does not."""
    parallel: bool
    """Whether calls may run side by side in one step, whatever their tools say of themselves."""
    omitted_from: frozenset[Surface]
    """Where the tools are not shown."""
    retry: Retry
    tool_retries: tuple[tuple[str, Retry], ...]
    plugin: str | None = None
    """Which plugin contributed it."""
    connectors: tuple[Connector, ...] | None = None
    """Of the host's own server for connectors: those whose tools may be used. None: it is another server."""

    def allows(self, tool: str) -> bool:
        """Whether the tool may be listed and called: first the allow-list, then the deny-list."""
        return (self.enabled_tools is None or tool in self.enabled_tools) and tool not in self.disabled_tools

    def shows(self, tool: ToolDefinition) -> bool:
        """Whether a tool that is defined so may be listed and called."""
        return self.allows(tool.name) and (self.connectors is None or self.connector_of(tool) is not None)

    def select(self, tools: tuple[ToolDefinition, ...]) -> tuple[ToolDefinition, ...]:
        """The tools that may be listed and called."""
        if self.enabled_tools is None and not self.disabled_tools and self.connectors is None:
            return tools
        return tuple(tool for tool in tools if self.shows(tool))

    def connector_of(self, tool: ToolDefinition) -> Connector | None:
        """The connector that a tool belongs to, if it is one of those that may be used."""
        said = tool.connector if self.connectors else None
        if said is None:
            return None
        for connector in self.connectors or ():
            if connector.id == said.id:
                return replace(connector, name=said.name or said.display_name or connector.name)
        return None

    def attribution(self, tool: ToolDefinition | None) -> dict[str, msgspec.Raw]:
        """What the server is told, in `_meta`, of whose call it is: for which plugin, and for which connector."""
        if self.plugin is None and not self.connectors:
            return {}
        connector = None if tool is None else self.connector_of(tool)
        said = {
            connector_meta.PLUGIN: self.plugin if connector is None else connector.plugin,
            connector_meta.ID: None if connector is None else connector.id,
        }
        return {key: msgspec.Raw(msgspec.json.encode(value)) for key, value in said.items() if value is not None}

    def rule(self, tool: str) -> Rule:
        """What the configuration says of approving a tool."""
        for name, rule in self.tool_rules:
            if name == tool:
                return rule
        return self.server_rule

    def retry_of(self, tool: str) -> Retry:
        """When a lost call of a tool is sent again."""
        for name, retry in self.tool_retries:
            if name == tool:
                return retry
        return self.retry


def view_of(server: ServerConfig, plugin: str | None = None, connectors: Iterable[Connector] = ()) -> View:
    """The view that a configuration gives. `connectors` are those of its thread."""
    return View(
        enabled_tools=None if server.enabled_tools is None else frozenset(server.enabled_tools),
        disabled_tools=frozenset(server.disabled_tools),
        server_rule=Rule(server.default_tools_approval_mode),
        tool_rules=tuple(
            (name, Rule(tool.approval_mode, tool.approved_definition))
            for name, tool in server.tools
            if tool.approval_mode is not None
        ),
        startup_timeout=server.startup_timeout,
        tool_timeout=server.tool_timeout,
        timeout_max=max(server.tool_timeout, server.tool_timeout_max) if server.progress_extends_timeout else None,
        parallel=server.supports_parallel_tool_calls,
        omitted_from=frozenset(server.omit_tools_from or ()),
        retry=server.retry,
        tool_retries=tuple((name, tool.retry) for name, tool in server.tools if tool.retry is not None),
        plugin=plugin,
        connectors=tuple(connectors) if server.connectors else None,
    )

"""What one thread sees of a backend. Changing a view touches no process. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from mcpool.backend.tools import ToolDefinition
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

    def allows(self, tool: str) -> bool:
        """Whether the tool may be listed and called: first the allow-list, then the deny-list."""
        return (self.enabled_tools is None or tool in self.enabled_tools) and tool not in self.disabled_tools

    def select(self, tools: tuple[ToolDefinition, ...]) -> tuple[ToolDefinition, ...]:
        """The tools that may be listed and called."""
        if self.enabled_tools is None and not self.disabled_tools:
            return tools
        return tuple(tool for tool in tools if self.allows(tool.name))

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


def view_of(server: ServerConfig) -> View:
    """The view that a configuration gives."""
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
    )

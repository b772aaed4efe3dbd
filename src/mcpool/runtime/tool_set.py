"""The tools that a step shows to a model, under names that every model accepts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, cast

import msgspec

from mcpool.backend.tools import Annotations, ToolDefinition
from mcpool.catalog.connector import Connector
from mcpool.catalog.toolnames import PROFILE_64, NameProfile, ToolKey, allocate
from mcpool.catalog.toolschema import for_model, is_model_visible


@dataclass(frozen=True)
class Tool:
    """One tool as the model sees it: `name` is unique over all servers, `raw_name` is the server's own."""

    name: str
    server: str
    definition: ToolDefinition
    connector: Connector | None = None
    """The connector that it belongs to; None: it is a tool of an ordinary server."""

    @property
    def raw_name(self) -> str:
        """The name that goes over the wire."""
        return self.definition.name

    @cached_property
    def raw_name_json(self) -> msgspec.Raw:
        """The raw name as JSON."""
        return msgspec.Raw(msgspec.json.encode(self.definition.name))

    @property
    def annotations(self) -> Annotations:
        """The server's hints."""
        return self.definition.annotations

    @cached_property
    def spec(self) -> dict[str, Any]:
        """The definition as the server wrote it."""
        return cast(dict[str, Any], msgspec.json.decode(self.definition.raw))

    @property
    def description(self) -> str:
        """What the server says that it does."""
        return str(self.spec.get("description") or "")

    @cached_property
    def input_schema(self) -> dict[str, Any]:
        """The input schema, cleaned of what models' endpoints refuse."""
        return for_model(cast(dict[str, object], self.spec.get("inputSchema") or {}))


def _no_connector(server: str, tool: ToolDefinition) -> None:
    pass


def named(
    by_server: Mapping[str, tuple[ToolDefinition, ...]],
    profile: NameProfile = PROFILE_64,
    connector_of: Callable[[str, ToolDefinition], Connector | None] = _no_connector,
) -> dict[str, Tool]:
    """The tools that a model may be shown, under the names that it uses."""
    visible = {
        ToolKey(server, tool.name): tool
        for server, tools in by_server.items()
        for tool in tools
        if is_model_visible(tool.raw)
    }
    names = allocate(visible, profile)
    return {
        name: Tool(name, key.server, visible[key], connector_of(key.server, visible[key]))
        for key, name in sorted(names.items(), key=lambda pair: pair[0])
    }


class ToolSet(Mapping[str, Tool]):
    """The tools of a step by the name that the model uses, in an order that depends on nothing but the tools.

    `pending` names the servers that were still starting, whose tools are therefore missing.
    """

    def __init__(self, tools: Mapping[str, Tool], pending: tuple[str, ...] = ()) -> None:
        self._tools = tools
        self.pending = pending

    def __getitem__(self, name: str) -> Tool:
        return self._tools[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._tools)

    def __len__(self) -> int:
        return len(self._tools)

    def __repr__(self) -> str:
        waiting = f", waiting for {', '.join(self.pending)}" if self.pending else ""
        return f"<ToolSet [{len(self)} tools{waiting}]>"

    @cached_property
    def _openai(self) -> list[dict[str, Any]]:
        return [
            {
                "type": "function",
                "function": {"name": tool.name, "description": tool.description, "parameters": tool.input_schema},
            }
            for tool in self._tools.values()
        ]

    @cached_property
    def _anthropic(self) -> list[dict[str, Any]]:
        return [
            {"name": tool.name, "description": tool.description, "input_schema": tool.input_schema}
            for tool in self._tools.values()
        ]

    def openai(self) -> list[dict[str, Any]]:
        """The `tools` of an OpenAI-style chat completion. The same list each time: do not change it."""
        return self._openai

    def openai_responses(self) -> list[dict[str, Any]]:
        """The `tools` of an OpenAI-style response."""
        return [{"type": "function", **tool["function"]} for tool in self._openai]

    def anthropic(self) -> list[dict[str, Any]]:
        """The `tools` of an Anthropic-style message. The same list each time: do not change it."""
        return self._anthropic

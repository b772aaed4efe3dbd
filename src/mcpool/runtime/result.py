"""What a tool call returned, decoded only when somebody looks."""

from __future__ import annotations

from typing import Any, cast

import msgspec


class ToolResult:
    """The result of one tool call. `raw` is the server's JSON, byte for byte."""

    __slots__ = ("_value", "raw")

    def __init__(self, raw: bytes) -> None:
        self.raw = raw
        self._value: dict[str, Any] | None = None

    def __repr__(self) -> str:
        text = self.for_model()
        shown = text if len(text) <= 200 else f"{text[:200]}... ({len(text)} characters)"
        return f"<ToolResult{' error' if self.is_error else ''}: {shown!r}>"

    @property
    def value(self) -> dict[str, Any]:
        """The whole result as the protocol defines `CallToolResult`; empty if the server sent no object."""
        if self._value is None:
            self._value = _table(msgspec.json.decode(self.raw))
        return self._value

    @property
    def content(self) -> list[dict[str, Any]]:
        """The content blocks; what is none is left out."""
        content = self.value.get("content")
        if not isinstance(content, list):
            return []
        blocks = cast("list[object]", content)
        return cast("list[dict[str, Any]]", [block for block in blocks if isinstance(block, dict)])

    @property
    def structured(self) -> Any:
        """The structured content; None if there is none."""
        return self.value.get("structuredContent")

    @property
    def is_error(self) -> bool:
        """Whether the tool says that it failed."""
        return self.value.get("isError") is True

    def for_model(self) -> str:
        """One text for a model: the structured content as JSON if there is any, else the text blocks, with a note in
        place of each block that is no text."""
        if self.structured is not None:
            return msgspec.json.encode(self.structured).decode()
        return "\n".join(_block_text(block) for block in self.content)


def _table(value: object) -> dict[str, Any]:
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def _block_text(block: dict[str, Any]) -> str:
    match block.get("type"):
        case "text":
            return str(block.get("text", ""))
        case "resource":
            resource = _table(block.get("resource"))
            if "text" in resource:
                return str(resource["text"])
            return f"[binary resource {resource.get('uri', '')} of type {resource.get('mimeType', 'unknown')}]"
        case "resource_link":
            return f"[resource {block.get('uri', '')}: {block.get('name', '')}]"
        case kind:
            return f"[{kind} of type {block.get('mimeType', 'unknown')}]"

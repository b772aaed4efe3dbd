"""One outgoing message on its way over HTTP, and the headers that its revision asks for."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from math import inf
from typing import Any, Protocol, cast

import msgspec

VERSION_META_KEY = "io.modelcontextprotocol/protocolVersion"
MessageId = int | str


class Deadline(Protocol):
    """A cancel scope whose deadline (loop time) can be moved."""

    @property
    def deadline(self) -> float: ...

    @deadline.setter
    def deadline(self, value: float) -> None: ...


@dataclass(eq=False, slots=True)
class Frame:
    """One line given to the link. `end` is its last byte's offset in everything ever written there."""

    body: bytes
    end: int
    id: MessageId | None
    method: str | None
    params: Mapping[str, Any]
    posted: bool = False
    """Its bytes began to leave."""
    refused: bool = False
    """The server provably did nothing with it, or never got it."""
    answered: bool = False
    """Its caller has been told the outcome; whatever else comes for it is dropped."""
    ended: bool = False
    """The response stream it was waiting on has ended."""
    why: str = ""
    """What ended it, if not the server in good order."""
    expires: float = inf
    """Loop time at which nobody will want the answer any more."""
    scope: Deadline | None = None

    @property
    def withdrawn(self) -> bool:
        """Nobody will want the answer after a while, because its caller has given up."""
        return self.expires != inf

    @property
    def is_request(self) -> bool:
        return self.method is not None and self.id is not None

    @property
    def cancels(self) -> MessageId | None:
        """The id of the request that this message withdraws."""
        return _message_id(self.params.get("requestId")) if self.method == "notifications/cancelled" else None

    @property
    def version(self) -> str | None:
        """The revision that the message itself is stamped with (2026 and later)."""
        meta = self.params.get("_meta")
        version = cast("Mapping[str, object]", meta).get(VERSION_META_KEY) if isinstance(meta, dict) else None
        return version if isinstance(version, str) else None

    def expire_at(self, when: float) -> None:
        """Give up waiting for the answer at this loop time."""
        self.expires = when
        if self.scope is not None:
            self.scope.deadline = when


def _message_id(value: object) -> MessageId | None:
    return value if isinstance(value, int | str) and not isinstance(value, bool) else None


def read_frame(line: bytes, end: int) -> Frame:
    """Read the envelope of one line of ours; the line itself is what will be sent.

    Raises:
        ValueError: the line is not a JSON object.
    """
    try:
        envelope = msgspec.json.decode(line)
    except (msgspec.DecodeError, RecursionError):
        envelope = json.loads(line)  # takes what the strict decoder refuses, such as lone surrogates
    if not isinstance(envelope, dict):
        msg = "a message must be a JSON object"
        raise ValueError(msg)
    fields = cast("dict[str, Any]", envelope)
    params: object = fields.get("params")
    method: object = fields.get("method")
    return Frame(
        body=line,
        end=end,
        id=_message_id(fields.get("id")),
        method=method if isinstance(method, str) else None,
        params=cast("dict[str, Any]", params) if isinstance(params, dict) else {},
    )


class ParameterHeaders:
    """Which arguments of which tools are mirrored into headers (`x-mcp-header` of the tool's input schema)."""

    def __init__(self) -> None:
        self._maps: dict[str, dict[tuple[str, ...], str]] = {}
        self.invalid: dict[str, str] = {}
        """Tools whose annotations are not as they must be, and why: a client must not call those (SEP-2243)."""

    def learn(self, tool: str, schema: object) -> None:
        """Remember one tool's annotations; a schema with none, or with invalid ones, mirrors nothing."""
        from mcp.shared.inbound import find_invalid_x_mcp_header, x_mcp_header_map

        self._maps.pop(tool, None)
        self.invalid.pop(tool, None)
        reason = find_invalid_x_mcp_header(schema)
        if reason is not None:
            self.invalid[tool] = reason
        elif found := x_mcp_header_map(schema):
            self._maps[tool] = found

    def of(self, tool: object, arguments: object) -> dict[str, str]:
        """The headers that a call of this tool with these arguments carries."""
        from mcp.shared.inbound import mcp_param_headers

        found = self._maps.get(tool) if isinstance(tool, str) else None
        if not found or not isinstance(arguments, dict):
            return {}
        return mcp_param_headers(found, cast("dict[str, Any]", arguments))


def headers_for(frame: Frame, negotiated: str | None, parameters: ParameterHeaders) -> dict[str, str]:
    """The MCP headers of one message: those of its own stamp, else the version that the handshake settled on."""
    from mcp.shared.inbound import (
        MCP_METHOD_HEADER,
        MCP_NAME_HEADER,
        MCP_PROTOCOL_VERSION_HEADER,
        NAME_BEARING_METHODS,
        encode_header_value,
    )

    version = frame.version
    if version is None or frame.method is None:
        if negotiated is None or frame.method == "initialize":
            return {}
        return {MCP_PROTOCOL_VERSION_HEADER: negotiated}
    headers = {MCP_PROTOCOL_VERSION_HEADER: version, MCP_METHOD_HEADER: frame.method}
    key = "taskId" if frame.method.startswith("tasks/") else NAME_BEARING_METHODS.get(frame.method)
    name = frame.params.get(key) if key is not None else None
    if isinstance(name, str):
        headers[MCP_NAME_HEADER] = encode_header_value(name)
    if frame.method == "tools/call":
        headers.update(parameters.of(name, frame.params.get("arguments")))
    return headers

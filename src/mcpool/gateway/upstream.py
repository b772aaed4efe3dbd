"""What the gateway asks of the layers below: a host that opens threads, and their steps."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Protocol

from msgspec import Raw

from mcpool.backend.holder import CallSink, ClientFacts, Question
from mcpool.runtime.remembered import RememberedApprovals

Fields = dict[str, Raw]
"""The fields of a JSON object, one level decoded."""


class ToolDefinition(Protocol):
    """A tool as its server wrote it."""

    @property
    def name(self) -> str: ...

    @property
    def raw(self) -> bytes: ...


class ServerFacts(Protocol):
    """What a server said of itself when its session began."""

    @property
    def server_info(self) -> Mapping[str, Any]: ...

    @property
    def capabilities(self) -> Mapping[str, Any]: ...

    @property
    def instructions(self) -> str | None: ...

    @property
    def initialize_result(self) -> bytes | None: ...

    @property
    def discover(self) -> bytes | None: ...


class Step(Protocol):
    """One request's view of the servers, pinned."""

    @property
    def servers(self) -> tuple[str, ...]: ...

    async def facts(self, server: str) -> ServerFacts: ...

    async def tool_definitions(self, server: str) -> Sequence[ToolDefinition]: ...

    async def relay(
        self,
        server: str,
        method: str,
        fields: Mapping[str, bytes | Raw],
        *,
        meta: Mapping[str, bytes | Raw] | None = None,
        sink: CallSink | None = None,
        progress: bool = False,
        timeout: float | None = None,
        answer_input: bool = True,
    ) -> bytes: ...

    def release(self) -> None: ...


class Listener(Protocol):
    """What a thread tells its client."""

    def on_notification(self, server: str, method: str, params: bytes | None) -> None: ...

    async def on_question(self, question: Question) -> bytes: ...


class Thread(Protocol):
    """One client's thread."""

    async def refresh(self) -> None: ...

    def capture(self) -> Step: ...

    async def set_log_level(self, server: str | None, level: str | None) -> None: ...

    async def subscribe(self, server: str, uri: str) -> None: ...

    async def unsubscribe(self, server: str, uri: str) -> None: ...

    async def close(self) -> None: ...


class Host(Protocol):
    """The pool of servers, as the gateway uses it."""

    def thread(
        self,
        *,
        cwd: str | None = None,
        principal: str = "",
        client: ClientFacts | None = None,
        listener: Listener | None = None,
        only: Collection[str] | None = None,
        remembered: RememberedApprovals | None = None,
        beside: Any = None,
    ) -> Thread: ...

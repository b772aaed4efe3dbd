"""The listener of a program that uses the library: a callback that answers questions, and nothing else."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, cast

import msgspec

from mcpool.backend.holder import ClientFacts, Question
from mcpool.errors import RpcError
from mcpool.wire.revisions import INVALID_REQUEST


@dataclass(frozen=True, slots=True)
class Elicitation:
    """A question of a server to the user. `mode` is `form` (answer by `schema`) or `url` (the user shall visit it)."""

    server: str
    message: str
    mode: Literal["form", "url"]
    schema: Mapping[str, Any]
    url: str | None


@dataclass(frozen=True, slots=True)
class ElicitAnswer:
    """The user's answer; `content` only goes with `accept`."""

    action: Literal["accept", "decline", "cancel"]
    content: Mapping[str, Any] | None = None


OnElicit = Callable[
    [Elicitation], "ElicitAnswer | Mapping[str, Any] | Awaitable[ElicitAnswer | Mapping[str, Any] | None] | None"
]
"""Answers with an `ElicitAnswer`, with the content of an accepted form, or with None to decline. May be async."""

OnNotification = Callable[[str, str, Any], None]
"""Called with the server's name, the method and the decoded params of a notification that belongs to no call."""


def client_of(on_elicit: OnElicit | None) -> ClientFacts:
    """What a program can do whose questions are answered by this callback."""
    if on_elicit is None:
        return ClientFacts()
    return ClientFacts(elicitation_form=True, elicitation_url=True, raw=b'{"elicitation":{"form":{},"url":{}}}')


class CallbackListener:
    """Asks through callbacks. Without `on_elicit` every question is answered in the user's stead."""

    def __init__(self, on_elicit: OnElicit | None, on_notification: OnNotification | None) -> None:
        self._on_elicit = on_elicit
        self._on_notification = on_notification

    def on_notification(self, server: str, method: str, params: bytes | None) -> None:
        """Decode it for the callback."""
        if self._on_notification is not None:
            self._on_notification(server, method, None if params is None else msgspec.json.decode(params))

    async def on_question(self, question: Question) -> bytes:
        """Ask the callback."""
        if question.method != "elicitation/create" or self._on_elicit is None:
            raise RpcError(question.server, INVALID_REQUEST, f"this client cannot answer {question.method}")
        answer = self._on_elicit(_read(question))
        if inspect.isawaitable(answer):
            answer = await answer
        return _write(answer)


def _read(question: Question) -> Elicitation:
    params = cast(dict[str, Any], msgspec.json.decode(question.params))
    return Elicitation(
        server=question.server,
        message=str(params.get("message", "")),
        mode="url" if params.get("mode") == "url" else "form",
        schema=params.get("requestedSchema") or {},
        url=params.get("url"),
    )


def _write(answer: ElicitAnswer | Mapping[str, Any] | None) -> bytes:
    match answer:
        case None:
            return b'{"action":"decline"}'
        case ElicitAnswer():
            value: dict[str, object] = {"action": answer.action}
            if answer.action == "accept" and answer.content is not None:
                value["content"] = answer.content
            return msgspec.json.encode(value)
        case _:
            return msgspec.json.encode({"action": "accept", "content": answer})

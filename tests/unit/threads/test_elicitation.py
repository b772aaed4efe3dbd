"""Questions and notifications, as the callbacks of a program see them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mcpool.backend.holder import Question
from mcpool.errors import RpcError
from mcpool.threads.elicitation import CallbackListener, ElicitAnswer, Elicitation


def question(**params: Any) -> Question:
    return Question("s", "elicitation/create", json.dumps(params).encode())


async def answered(answer: Any, **params: Any) -> Any:
    return json.loads(await CallbackListener(lambda _: answer, None).on_question(question(**params)))


async def test_a_form_is_shown_with_its_schema() -> None:
    seen: list[Elicitation] = []
    listener = CallbackListener(seen.append, None)  # pyright: ignore[reportArgumentType]
    await listener.on_question(question(message="Who?", requestedSchema={"type": "object"}))
    assert seen == [Elicitation("s", "Who?", "form", {"type": "object"}, None)]


async def test_a_url_is_shown_as_such() -> None:
    seen: list[Elicitation] = []
    listener = CallbackListener(seen.append, None)  # pyright: ignore[reportArgumentType]
    await listener.on_question(question(mode="url", message="Sign in", url="https://x", elicitationId="1"))
    assert seen == [Elicitation("s", "Sign in", "url", {}, "https://x")]


@pytest.mark.parametrize(
    ("answer", "result"),
    [
        (None, {"action": "decline"}),
        ({"name": "Ada"}, {"action": "accept", "content": {"name": "Ada"}}),
        ({}, {"action": "accept", "content": {}}),
        (ElicitAnswer("accept", {"name": "Ada"}), {"action": "accept", "content": {"name": "Ada"}}),
        (ElicitAnswer("accept"), {"action": "accept"}),
        (ElicitAnswer("cancel", {"name": "Ada"}), {"action": "cancel"}),
        (ElicitAnswer("decline"), {"action": "decline"}),
    ],
)
async def test_each_kind_of_answer(answer: Any, result: Any) -> None:
    assert await answered(answer, message="?") == result


async def test_the_callback_may_be_async() -> None:
    async def ask(asked: Elicitation) -> dict[str, str]:
        return {"echo": asked.message}

    listener = CallbackListener(ask, None)
    assert json.loads(await listener.on_question(question(message="hi")))["content"] == {"echo": "hi"}


async def test_without_a_callback_it_is_refused() -> None:
    with pytest.raises(RpcError, match="cannot answer elicitation/create"):
        await CallbackListener(None, None).on_question(question(message="?"))


async def test_sampling_is_refused() -> None:
    listener = CallbackListener(lambda _: None, None)
    with pytest.raises(RpcError, match="sampling/createMessage"):
        await listener.on_question(Question("s", "sampling/createMessage", b"{}"))


def test_notifications_are_decoded() -> None:
    seen: list[Any] = []
    listener = CallbackListener(None, lambda server, method, params: seen.append((server, method, params)))
    listener.on_notification("s", "notifications/message", b'{"level":"info"}')
    listener.on_notification("s", "notifications/prompts/list_changed", None)
    assert seen == [
        ("s", "notifications/message", {"level": "info"}),
        ("s", "notifications/prompts/list_changed", None),
    ]


def test_nobody_has_to_listen() -> None:
    CallbackListener(None, None).on_notification("s", "notifications/message", b"{}")

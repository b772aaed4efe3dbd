"""A modern server that needs input answers a request with what it wants to know: ask, and send the request again.

Follows the multi-round-trip requests of revision 2026-07-28.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Literal

import msgspec

from mcpool.backend.client_side import ROOTS, lacking, roots_result
from mcpool.backend.holder import CallSink, Holder, Question
from mcpool.errors import RpcError
from mcpool.wire.revisions import INTERNAL_ERROR, INVALID_REQUEST

MAX_ROUNDS = 10
MAX_QUESTIONS = 64
"""Of one round."""
_STATE_ONLY_WAIT = 0.1
_MARK = b"input_required"


class InputRequest(msgspec.Struct):
    """One thing that the server wants to know."""

    method: str
    params: msgspec.Raw = msgspec.Raw(b"{}")


class InputRequired(msgspec.Struct, rename="camel"):
    """The result that asks."""

    result_type: Literal["input_required"]
    input_requests: dict[str, InputRequest] = {}
    request_state: msgspec.Raw = msgspec.Raw()


def input_required(raw: bytes) -> InputRequired | None:
    """The result as a demand for input, or None if it is a final one."""
    if _MARK not in raw:
        return None
    try:
        return msgspec.json.decode(raw, type=InputRequired)
    except msgspec.DecodeError:
        return None


async def drive(
    server: str,
    first: InputRequired,
    holder: Holder,
    sink: CallSink | None,
    send_again: Callable[[dict[str, bytes | msgspec.Raw]], Awaitable[bytes]],
) -> bytes:
    """Answer rounds of demands until there is a final result. `send_again` sends the request with additional fields.

    Raises:
        RpcError: the client cannot or does not answer, or the server never stops asking.
    """
    demand: InputRequired | None = first
    for _ in range(MAX_ROUNDS):
        fields: dict[str, bytes | msgspec.Raw] = {}
        if demand.request_state:
            fields["requestState"] = demand.request_state
        if demand.input_requests:
            if (asked := len(demand.input_requests)) > MAX_QUESTIONS:
                what = f"the server asked {asked} things at once, more than {MAX_QUESTIONS}"
                raise RpcError(server, INVALID_REQUEST, what)
            answers = await _answer_all(server, demand.input_requests, holder, sink)
            fields["inputResponses"] = msgspec.json.encode(answers)
        else:
            await asyncio.sleep(_STATE_ONLY_WAIT)
        raw = await send_again(fields)
        demand = input_required(raw)
        if demand is None:
            return raw
    raise RpcError(server, INTERNAL_ERROR, f"the server asked for input more than {MAX_ROUNDS} times")


async def _answer_all(
    server: str, requests: dict[str, InputRequest], holder: Holder, sink: CallSink | None
) -> dict[str, msgspec.Raw]:
    answers: dict[str, msgspec.Raw] = {}
    try:
        async with asyncio.TaskGroup() as tasks:
            running = {
                key: tasks.create_task(_answer(server, request, holder, sink)) for key, request in requests.items()
            }
    except* RpcError as group:
        raise group.exceptions[0] from None
    for key, task in running.items():
        answers[key] = msgspec.Raw(task.result())
    return answers


async def _answer(server: str, request: InputRequest, holder: Holder, sink: CallSink | None) -> bytes:
    params = bytes(request.params)
    if request.method == ROOTS and holder.client.roots is not None:
        return roots_result(holder.client.roots)
    reason = lacking(request.method, params, holder.client)
    if reason is not None:
        raise RpcError(server, INVALID_REQUEST, reason)
    try:
        return await holder.on_question(Question(server, request.method, params, sink))
    except RpcError:
        raise
    except Exception as error:
        # The answer comes from the embedding program: what it raises ends this call, and says so.
        what = f"the client failed to answer: {type(error).__name__}: {error}"
        raise RpcError(server, INTERNAL_ERROR, what) from error

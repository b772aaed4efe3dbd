"""One round of questions to a 2026-07-28 client: the result that asks, and the answers that come back with the retry.

Follows the multi-round-trip requests of revision 2026-07-28. Pure.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final

from msgspec import Raw

from mcpool.backend.holder import Question
from mcpool.gateway.failure import Failure
from mcpool.gateway.message import members, text_of
from mcpool.gateway.names import ELICIT, INPUT_REQUESTS, INPUT_RESPONSES, META, REQUEST_STATE
from mcpool.gateway.upstream import Fields
from mcpool.threads.approval_form import without_mark
from mcpool.wire import params as wire_params
from mcpool.wire.envelope import encode_json, one_line
from mcpool.wire.revisions import INVALID_PARAMS, PROGRESS_TOKEN, RESERVED_META_PREFIX

CANCELLED: Final = b'{"action":"cancel"}'
"""The answer to an elicitation of a user who did not choose."""

_ACTIONS: Final = frozenset({"accept", "decline", "cancel"})
_HANDSHAKE_ONLY: Final = frozenset({"task", "elicitationId"})


def input_required(questions: Mapping[str, Question], state: str) -> bytes:
    """The raw result that asks these questions, by their keys."""
    asked = {
        key: Raw(b'{"method":%b,"params":%b}' % (encode_json(question.method), _params(question.params)))
        for key, question in questions.items()
    }
    return encode_json({"resultType": "input_required", "inputRequests": asked, "requestState": state})


def _params(raw: bytes) -> bytes:
    """The params of a handshake server's question, without what this revision does not have in them."""
    try:
        fields = wire_params.split(raw)
        meta = wire_params.split(bytes(fields.pop(META))) if META in fields else {}
    except ValueError:
        return one_line(raw)
    kept = {name: value for name, value in meta.items() if not _is_ours(name)}
    fields = {name: value for name, value in fields.items() if name not in _HANDSHAKE_ONLY}
    if kept:
        fields[META] = Raw(wire_params.join(kept))
    return wire_params.join(fields)


def _is_ours(name: str) -> bool:
    return name == PROGRESS_TOKEN or name.startswith(RESERVED_META_PREFIX)


def read_answers(fields: Fields, open_questions: Mapping[str, Question]) -> dict[str, bytes]:
    """The answers in a retry, by the keys of questions that are open. Others are of no use any more, and left out.

    Raises:
        Failure: they are no object, or an answer is none to its question.
    """
    raw = fields.get(INPUT_RESPONSES)
    if raw is None or bytes(raw) == b"null":
        return {}
    try:
        given = members(raw)
    except ValueError:
        raise Failure(INVALID_PARAMS, f"`{INPUT_RESPONSES}` must be an object") from None
    return {key: _answer(key, given[key], question) for key, question in open_questions.items() if key in given}


def _answer(key: str, raw: Raw, question: Question) -> bytes:
    try:
        result = members(raw)
    except ValueError:
        raise Failure(INVALID_PARAMS, f"`{INPUT_RESPONSES}.{key}` must be an object") from None
    if question.method == ELICIT and text_of(result.get("action")) not in _ACTIONS:
        what = f"`{INPUT_RESPONSES}.{key}.action` must be one of {', '.join(sorted(_ACTIONS))}"
        raise Failure(INVALID_PARAMS, what)
    return wire_params.join(result)


def without_marks(result: bytes) -> bytes:
    """A server's own result; what it asks in it cannot pass for an approval."""
    if b"inputRequests" not in result and b"\\u" not in result:
        return result
    try:
        fields = wire_params.split(result)
        asked = wire_params.split(bytes(fields[INPUT_REQUESTS]))
    except (KeyError, ValueError):
        return result
    requests = {key: _without_mark(request) for key, request in asked.items()}
    return wire_params.join({**fields, INPUT_REQUESTS: Raw(wire_params.join(requests))})


def _without_mark(request: Raw) -> Raw:
    try:
        fields = wire_params.split(bytes(request))
        params = without_mark(bytes(fields["params"]))
    except (KeyError, ValueError):
        return request
    return Raw(wire_params.join({**fields, "params": Raw(params)}))


def carries_answers(fields: Collection[str]) -> bool:
    """Whether a request is, by its params, the retry of one that asked for input."""
    return INPUT_RESPONSES in fields or REQUEST_STATE in fields

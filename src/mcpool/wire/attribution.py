"""Which call a message of the server belongs to, as far as the message itself says so."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from msgspec import UNSET, Struct, UnsetType

from mcpool.wire.call import Call
from mcpool.wire.envelope import UNREADABLE, Id, Key
from mcpool.wire.revisions import META_RELATED_TASK, META_SUBSCRIPTION_ID

_MARK = b"io.modelcontextprotocol/"


class _Task(Struct, rename="camel"):
    task_id: str | UnsetType = UNSET


class _Meta(Struct):
    subscription: Id | UnsetType = msgspec.field(default=UNSET, name=META_SUBSCRIPTION_ID)
    task: _Task | UnsetType = msgspec.field(default=UNSET, name=META_RELATED_TASK)


class _Params(Struct, rename="camel"):
    progress_token: Id | UnsetType = UNSET
    meta: _Meta | UnsetType = msgspec.field(default=UNSET, name="_meta")


_decode = msgspec.json.Decoder(_Params).decode


def attribute(method: str, params: bytes, calls: Mapping[Key, Call]) -> Call | None:
    """The unanswered call that progress, a subscription's event or a task's message names."""
    progress = method == "notifications/progress"
    if not progress and _MARK not in params:
        return None
    try:
        named = _decode(params)
    except UNREADABLE:
        return None
    if progress:
        return None if named.progress_token is UNSET else find(named.progress_token, calls)
    if named.meta is UNSET:
        return None
    if named.meta.subscription is not UNSET:
        return find(named.meta.subscription, calls)
    if named.meta.task is UNSET or named.meta.task.task_id is UNSET:
        return None
    return next((call for call in calls.values() if call.task == named.meta.task.task_id), None)


def find(id: Id, calls: Mapping[Key, Call]) -> Call | None:
    """The call with this id; `"7"` means 7 as well."""
    return calls.get(own_id(id))


def own_id(id: Id) -> Id:
    """An id of ours as we wrote it: some servers send numbers back as strings."""
    return int(id) if isinstance(id, str) and id.isdecimal() and id.isascii() and len(id) < _DIGITS else id


_DIGITS = 19

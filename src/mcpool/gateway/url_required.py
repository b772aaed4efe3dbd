"""The error of 2025-11-25 by which a server wants URLs opened before it runs something. Pure.

A client of 2026-07-28 does not know this error: it is asked to open them, and then the request is sent again.
"""

from __future__ import annotations

from typing import Final

import msgspec
from msgspec import Raw

from mcpool.backend.holder import Question
from mcpool.errors import RpcError
from mcpool.gateway.message import text_of
from mcpool.gateway.names import ELICIT
from mcpool.wire import params as wire_params
from mcpool.wire.revisions import URL_ELICITATION_REQUIRED

MAX_ROUNDS: Final = 10
"""How often one request is sent again."""
_MOST: Final = 16
"""URLs that one error may name."""


class _Wanted(msgspec.Struct):
    elicitations: list[dict[str, Raw]]


def urls_wanted(error: RpcError) -> list[Question]:
    """What the client has to be asked before the request is sent again; nothing if the error is another."""
    if error.code != URL_ELICITATION_REQUIRED or error.data is None:
        return []
    try:
        wanted = msgspec.json.decode(error.data, type=_Wanted).elicitations
    except (msgspec.DecodeError, UnicodeDecodeError):
        return []
    if len(wanted) > _MOST or not all(text_of(fields.get("url")) for fields in wanted):
        return []
    return [Question(error.server, ELICIT, wire_params.join({**fields, "mode": Raw(b'"url"')})) for fields in wanted]


class _Answer(msgspec.Struct):
    action: str = ""


def is_accepted(answer: bytes) -> bool:
    """Whether the client agreed to open it."""
    return msgspec.json.decode(answer, type=_Answer).action == "accept"

"""Who of a backend's holders hears what its server tells, and telling them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import TypeVar

import msgspec

from mcpool.backend.holder import Holder
from mcpool.backend.holders import Holders, owners
from mcpool.backend.questions import Questions
from mcpool.wire.engine import Engine

T = TypeVar("T")


class _Level(msgspec.Struct):
    level: str = "emergency"


class _Updated(msgspec.Struct):
    uri: str = ""


class _Elicited(msgspec.Struct, rename="camel"):
    elicitation_id: str = ""


class Hearers:
    """The holders as listeners to one connection."""

    def __init__(
        self, server: str, holders: Holders, engine: Engine, questions: Questions, loop: asyncio.AbstractEventLoop
    ) -> None:
        self._server = server
        self._holders = holders
        self._engine = engine
        self._questions = questions
        self._loop = loop

    def tell(self, method: str, params: bytes | None, hearers: Iterable[Holder] | None = None) -> None:
        """Pass on a notification that belongs to no call of somebody who listens: to `hearers`, or whom it concerns."""
        for holder in self._of(method, params) if hearers is None else hearers:
            try:
                holder.on_notification(self._server, method, params)
            except Exception as error:
                # The embedding program listens here: what it raises must not cost the others their message.
                what = f"`{self._server}`: {holder!r} could not hear {method}"
                self._loop.call_exception_handler({"message": what, "exception": error})

    def tell_all_changed(self, kinds: Iterable[str]) -> None:
        """Updates may have gone untold: let everybody look again at these lists, and at what they subscribed to."""
        for kind in kinds:
            self.tell(f"notifications/{kind}/list_changed", None)
        for uri in self._holders.uris:
            params = msgspec.json.encode({"uri": uri})
            self.tell("notifications/resources/updated", params, self._holders.subscribers(uri))

    def _of(self, method: str, params: bytes | None) -> list[Holder]:
        if method == "notifications/message":
            hearers = self._holders.wanting_level(decode(params, _Level).level)
            owner = self._sole_owner()
            if owner is not None and owner not in hearers and self._holders.level_of(owner) is None:
                hearers.append(owner)
            return hearers
        if method == "notifications/resources/updated":
            return self._holders.subscribed(decode(params, _Updated).uri)
        if method == "notifications/elicitation/complete":
            holder = self._questions.elicited(decode(params, _Elicited).elicitation_id)
            return [holder] if holder is not None and holder in self._holders else []
        if method.endswith("/list_changed"):
            return list(self._holders)
        everybody = list(self._holders)
        return everybody if len(everybody) == 1 else []

    def _sole_owner(self) -> Holder | None:
        waiting = owners(self._engine.calls)
        return waiting[0] if len(waiting) == 1 else None


def decode(params: bytes | None, form: type[T]) -> T:
    """What a notification says; what cannot be read counts as not said."""
    try:
        return msgspec.json.decode(params or b"{}", type=form)
    except msgspec.DecodeError:
        return form()

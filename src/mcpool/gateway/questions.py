"""What servers ask a client, from the question on its stream to the answer that it posts."""

from __future__ import annotations

import asyncio
import secrets

from msgspec import Raw

from mcpool.backend.holder import Question
from mcpool.errors import RpcError
from mcpool.gateway import names
from mcpool.gateway.exchange import Outlet
from mcpool.gateway.limits import Limits
from mcpool.gateway.message import Message, error_of, key_of, notification_message, request_message, text_of
from mcpool.gateway.outbox import Kind
from mcpool.wire import params as wire_params
from mcpool.wire.envelope import encode_json
from mcpool.wire.revisions import INTERNAL_ERROR, REQUEST_TIMEOUT

_FIRST_ID = 1 << 48


class Questions:
    """The open questions to one client. The ids are ours, so an answer can only settle what this client was asked."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._open: dict[int, asyncio.Future[bytes]] = {}
        # Not from 1: an answer to a question of a daemon that was killed must not settle one of the daemon after it.
        self._count = secrets.randbelow(_FIRST_ID)

    def __len__(self) -> int:
        return len(self._open)

    async def ask(self, outlet: Outlet, question: Question) -> bytes:
        """Send the question and wait for the raw result. If the wait is cancelled the client is told to forget it.

        Raises:
            RpcError: the client answered with an error, not in time, or has too many questions open.
        """
        if len(self._open) >= self._limits.questions:
            raise RpcError(question.server, INTERNAL_ERROR, f"this client has {len(self._open)} questions open already")
        self._count += 1
        number = self._count
        answer = asyncio.get_running_loop().create_future()
        self._open[number] = answer
        params = with_elicitation_id(question.params, number) if question.method == names.ELICIT else question.params
        outlet.put(Kind.QUESTION, request_message(number, question.method, params))
        try:
            async with asyncio.timeout(question.patience):
                return await answer
        except _ErrorAnswer as error:
            raise RpcError(question.server, error.code, error.reason, error.data) from None
        except TimeoutError:
            _withdraw(outlet, number, "no answer in time")
            what = f"the client gave no answer within {question.patience:g} s"
            raise RpcError(question.server, REQUEST_TIMEOUT, what) from None
        except asyncio.CancelledError:
            _withdraw(outlet, number, "nobody waits for the answer any more")
            raise
        finally:
            del self._open[number]

    def settle(self, message: Message) -> bool:
        """Take a client's response; False if nothing was asked under its id (any more)."""
        key = key_of(message.id, self._limits.id_bytes)
        if isinstance(key, str):
            if not key.isdecimal() or len(key) > 18:
                return False
            key = int(key)
        answer = self._open.get(key)
        if answer is None or answer.done():
            return False
        if message.result:
            answer.set_result(bytes(message.result))
        else:
            answer.set_exception(_ErrorAnswer(*error_of(message.error)))
        return True


def with_elicitation_id(params: bytes, number: int) -> bytes:
    """Params of an elicitation that handshake clients understand: to open a URL has an id there, and none since."""
    if b'"url"' not in params:
        return params
    try:
        fields = wire_params.split(params)
    except ValueError:
        return params
    if text_of(fields.get("mode")) == "url":
        fields.setdefault("elicitationId", Raw(encode_json(f"mcpool-{number}")))
    return wire_params.join(fields)


class _ErrorAnswer(Exception):
    def __init__(self, code: int, reason: str, data: bytes | None) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason
        self.data = data


def _withdraw(outlet: Outlet, number: int, reason: str) -> None:
    params = encode_json({"requestId": number, "reason": reason})
    outlet.put(Kind.OTHER, notification_message(names.CANCELLED, params))

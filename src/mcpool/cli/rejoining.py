"""Repeating a client's handshake to a daemon that does not know it. Standard library only."""

from __future__ import annotations

from collections.abc import Callable

from mcpool.cli.client_end import CHUNK
from mcpool.cli.memory import HEAD, REPLAY_ID, Replay, key_of, read_head
from mcpool.errors import DaemonError
from mcpool.rendezvous import Joined, NoDaemon

REPLAY_TIMEOUT = 60.0
"""Seconds that each repeated request may take; the first may have to wait for a server to start."""

_WANTED = key_of(REPLAY_ID)
_POSITIVE = b'"id":' + _WANTED.encode() + b',"result"'


def repeat_handshake(joined: Joined, replay: Replay, other: Callable[[bytes], None]) -> Joined:
    """Shake hands and set what the client had set. Lines that answer none of it go to `other`.

    Raises:
        DaemonError: the daemon refused, or went away again.
        OSError: the socket failed, or an answer took longer than `REPLAY_TIMEOUT`.
    """
    conversation = _Conversation(joined, other)
    answer = conversation.ask(replay.initialize)
    if _POSITIVE not in answer[:HEAD]:
        raise DaemonError(f"the daemon refused to go on with this conversation: {answer[:300]!r}")
    joined.sock.sendall(replay.initialized or b"")
    for line in replay.settings:
        conversation.ask(line)
    return Joined(joined.sock, conversation.rest)


class _Conversation:
    def __init__(self, joined: Joined, other: Callable[[bytes], None]) -> None:
        self._sock, self.rest = joined
        self._other = other
        self._sock.settimeout(REPLAY_TIMEOUT)

    def ask(self, line: bytes) -> bytes:
        self._sock.sendall(line)
        while True:
            answer = self._line()
            head = read_head(answer[:HEAD])
            if head.key == _WANTED and head.answer:
                return answer
            self._other(answer)

    def _line(self) -> bytes:
        data = bytearray(self.rest)
        while (newline := data.find(b"\n")) < 0:
            chunk = self._sock.recv(CHUNK)
            if not chunk:
                raise NoDaemon("the mcpool daemon went away again while the handshake was repeated")
            data += chunk
        self.rest = bytes(data[newline + 1 :])
        return bytes(data[: newline + 1])

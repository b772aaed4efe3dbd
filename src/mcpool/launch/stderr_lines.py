"""What a server says on standard error, as whole lines of bounded length, with the last ones kept."""

from __future__ import annotations

from collections import deque

MAX_LINE = 1 << 20
"""Bytes of a line that are kept; the rest of it is left out, and said so."""
KEPT_LINES = 20
_KEPT_LINE = 2000
_CUT = b" ... (line cut)"


class StderrLines:
    """Cuts a byte stream into lines and remembers the last `KEPT_LINES` of them."""

    def __init__(self) -> None:
        self._partial = bytearray()
        self._skipping = False
        self._last: deque[bytes] = deque(maxlen=KEPT_LINES)

    def feed(self, data: bytes) -> list[bytes]:
        """The lines that `data`, of at most `MAX_LINE` bytes, completes; without their line ends."""
        first, *rest = data.split(b"\n")
        self._extend(first)
        if not rest:
            return []
        # A flood is mostly whole lines: these need no more than to be handed on.
        lines = [self._take(), *(line.rstrip(b"\r") for line in rest[:-1])]
        self._last.extend(line[:_KEPT_LINE] for line in lines[-KEPT_LINES:])
        self._extend(rest[-1])
        return lines

    def end(self) -> list[bytes]:
        """The line that was begun and never ended, if there is one."""
        if not self._partial:
            return []
        line = self._take()
        self._last.append(line[:_KEPT_LINE])
        return [line]

    def last_words(self) -> str:
        """The last lines, the unfinished one included; undecodable bytes replaced, very long lines cut."""
        lines = [*self._last, bytes(self._partial[:_KEPT_LINE])]
        spoken = [line.decode(errors="replace") for line in lines if line.strip()]
        return "\n".join(spoken[-KEPT_LINES:])

    def _extend(self, piece: bytes) -> None:
        if self._skipping or not piece:
            return
        self._partial += piece[: MAX_LINE - len(self._partial) + 1]
        if len(self._partial) > MAX_LINE:
            self._partial[MAX_LINE:] = _CUT
            self._skipping = True

    def _take(self) -> bytes:
        line = bytes(self._partial).rstrip(b"\r")
        self._partial.clear()
        self._skipping = False
        return line

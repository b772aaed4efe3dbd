"""From bytes to messages, whatever the bytes are like: no line costs the next one."""

from __future__ import annotations

from collections.abc import Callable

from mcpool.wire.envelope import CR, UNREADABLE, Envelope, decode, decode_batch, is_utf8, one_line
from mcpool.wire.lines import SAMPLE, Lines, Oversize
from mcpool.wire.mend import MEND_LIMIT, mend
from mcpool.wire.salvage import Salvaged, salvage

NO_MESSAGE = "text that is no JSON-RPC message"
MENDED = "invalid JSON that had to be mended"
BROKEN = "JSON that cannot be read"
TOO_LARGE = "a message over the size limit"
UNFINISHED = "an unfinished last line"

_BLANK = b" \t\r\n\xef\xbb\xbf"


class Reader:
    """Reads messages strictly where it can and tolerantly where it must.

    What `receive` gets is valid UTF-8 and holds no CR or LF. `broken` gets what is known of a message that cannot be
    read, and its size if that was the reason; `report` gets the kind and the beginning of whatever was not right.
    """

    __slots__ = ("_broken", "_lines", "_receive", "_report", "mended")

    def __init__(
        self,
        limit: int,
        *,
        receive: Callable[[Envelope], None],
        broken: Callable[[Salvaged, int | None], None],
        report: Callable[[str, bytes], None],
    ) -> None:
        self.mended = 0
        self._lines = Lines(limit)
        self._receive = receive
        self._broken = broken
        self._report = report

    def feed(self, data: bytes) -> None:
        """Deliver every message that ends in this chunk, in order."""
        for line in self._lines.feed(data):
            if isinstance(line, Oversize):
                self._report(TOO_LARGE, line.head)
                self._broken(salvage(line.head, line.tail), line.size)
            else:
                self._read(line)

    def finish(self) -> None:
        """Deliver a last message that lacks only its line end; anything else there was cut short."""
        rest = self._lines.finish()
        if rest is None or not rest.strip(_BLANK):
            return
        try:
            decode(rest)
        except UNREADABLE:
            self._report(UNFINISHED, rest)
        else:
            self._read(rest)

    def _read(self, line: bytes) -> None:
        try:
            message = decode(line)
        except UNREADABLE:
            self._read_hard(line)
            return
        if CR in line or not (line.isascii() or is_utf8(line)):
            self._read_unclean(line)
        else:
            self._receive(message)

    def _read_unclean(self, line: bytes) -> None:
        """It is well-formed, so that CR stands only between tokens and bad bytes only inside strings."""
        if not is_utf8(line):
            self._report(MENDED, line)
            self.mended += 1
            line = line.decode("utf-8", "replace").encode()
        self._receive(decode(one_line(line)))

    def _read_hard(self, line: bytes) -> None:
        start = line.lstrip(_BLANK)[:1]
        if not start:
            return
        if start == b"[" and self._read_batch(line):
            return
        if start != b"{":
            self._report(NO_MESSAGE, line)
            return
        if len(line) <= MEND_LIMIT and (mended := one_line(mend(line))) != line:
            try:
                message = decode(mended)
            except UNREADABLE:
                pass
            else:
                self._report(MENDED, line)
                self.mended += 1
                self._receive(message)
                return
        self._report(BROKEN, line)
        self._broken(salvage(line[:SAMPLE], line[-SAMPLE:]), None)

    def _read_batch(self, line: bytes) -> bool:
        """2025-03-26 lets several messages share a line."""
        try:
            parts = decode_batch(line)
        except UNREADABLE:
            if len(line) > MEND_LIMIT:
                return False
            try:
                parts = decode_batch(one_line(mend(line)))
            except UNREADABLE:
                return False
        for part in parts:
            if (member := bytes(part)).startswith(b"{"):
                self._read(member)
            else:
                self._report(NO_MESSAGE, member)
        return bool(parts)

"""The log files of servers: `logs/SERVER.log`, private, bounded, written without keeping the event loop waiting."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import os
import re
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

ROTATE_AT = 5 * 1024 * 1024
"""Bytes after which a log becomes `SERVER.log.1`, replacing the one before."""
MAX_WAITING = 4 * 1024 * 1024
"""Bytes that may wait for a slow disk; more are left out, and counted in the log."""

NOT_SERVERS = ("daemon", "defect")
"""Logs in the same folder that are our own."""

_logger = logging.getLogger(__name__)


class ServerLogs:
    """Appends to the logs of all servers of one host, in order, from one thread that lives while there is work."""

    def __init__(self, folder: Path, *, rotate_at: int = ROTATE_AT, max_waiting: int = MAX_WAITING) -> None:
        self._folder = folder
        self._rotate_at = rotate_at
        self._max_waiting = max_waiting
        self._waiting: dict[str, list[bytes]] = {}
        self._size = 0
        self._left_out: dict[str, int] = {}
        self._flushing: asyncio.Task[None] | None = None
        self._complained = False

    def path(self, server: str) -> Path:
        """Where that server's log is."""
        return self._folder / log_name(server)

    def append(self, server: str, lines: list[bytes]) -> None:
        """Add whole lines (without line ends) to the server's log. Never blocks, never fails."""
        if not lines:
            return
        data = b"\n".join(lines) + b"\n"
        if self._size + len(data) > self._max_waiting:
            self._left_out[server] = self._left_out.get(server, 0) + len(data)
            return
        self._waiting.setdefault(server, []).append(data)
        self._size += len(data)
        if self._flushing is None or self._flushing.done():
            self._flushing = asyncio.get_running_loop().create_task(self._flush(), name="mcpool-logs")

    async def close(self) -> None:
        """Write what waits."""
        if self._flushing is not None:
            await asyncio.shield(self._flushing)

    async def _flush(self) -> None:
        loop = asyncio.get_running_loop()
        with ThreadPoolExecutor(1, thread_name_prefix="mcpool-logs") as thread:
            while self._waiting:
                batch, self._waiting, self._size = self._waiting, {}, 0
                left_out, self._left_out = self._left_out, {}
                for server, count in left_out.items():
                    note = f"--- {count} bytes were left out here: too fast for the disk\n"
                    batch.setdefault(server, []).append(note.encode())
                try:
                    await loop.run_in_executor(thread, self._write, batch)
                except OSError as error:
                    self._complain(error)

    def _write(self, batch: dict[str, list[bytes]]) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for server, pieces in batch.items():
            path = self.path(server)
            handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
            with open(handle, "wb", buffering=0) as file:
                for piece in pieces:
                    file.write(piece)
                size = file.tell()
            if size > self._rotate_at:
                with suppress(FileNotFoundError):
                    path.replace(path.with_name(path.name + ".1"))

    def _complain(self, error: OSError) -> None:
        if not self._complained:
            self._complained = True
            _logger.warning("the logs of servers in %s cannot be written: %s", self._folder, error)


def log_name(server: str) -> str:
    """The file name of a server's log: its name where that is a safe one, else made safe and still its own."""
    safe = re.sub(r"[^A-Za-z0-9_.-]", "_", server)[:100]
    if safe != server or not safe or safe.startswith(".") or safe in NOT_SERVERS:
        safe = f"{safe.lstrip('.') or 'server'}-{hashlib.sha256(server.encode()).hexdigest()[:8]}"
    return f"{safe}.log"

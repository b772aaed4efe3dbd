"""The shim's loop: bytes between a client's pipes and the daemon's socket, going on over a new socket when one is lost.

One thread, one `poll`. Buffers are bounded, and nothing is read for which there is no room, so that two slow sides slow
each other down and never block each other. Standard library only.
"""

from __future__ import annotations

import select
import time
from collections.abc import Callable

from mcpool.cli.client_end import STDIN, STDOUT, ClientEnd, Line
from mcpool.cli.daemon_end import DaemonEnd, Outgoing
from mcpool.cli.memory import Memory
from mcpool.cli.rejoining import repeat_handshake
from mcpool.errors import DaemonError
from mcpool.rendezvous import Joined

ROOM = 1024 * 1024
"""Bytes buffered in each direction before the other side is left waiting (one message may be longer)."""

STEADY = 10.0
"""Seconds after which a connection counts as sound, so that its loss is answered by rejoining at once."""

_LONGEST_PAUSE = 10.0
_LOST = "the connection to the mcpool daemon was lost"
_GONE = select.POLLERR | select.POLLHUP | select.POLLNVAL


class Relay:
    """Carries one client's conversation until the client closes its end, or the daemon says that it is over."""

    def __init__(self, joined: Joined, rejoin: Callable[[], Joined], complain: Callable[[str], None]) -> None:
        """`rejoin` gets another connection, starting a daemon if need be; `complain` tells a person something."""
        self._rejoin = rejoin
        self._complain = complain
        self._memory = Memory()
        self._client = ClientEnd()
        self._daemon = DaemonEnd(self._client.give, self._memory.from_daemon, self._heed)
        self._poll = select.poll()
        self._watched: dict[int, int] = {}
        self._since = time.monotonic()
        self._retry_at: float | None = None
        self._not_before = 0.0
        self._losses = 0
        self._why_down = ""
        self._stopped = False
        self._over = False
        self._daemon.attach(joined)

    def run(self) -> int:
        """Relay until it is over; returns the exit code."""
        self._client.open()
        try:
            while not self._finished():
                self._turn()
        except BrokenPipeError:
            pass  # The client is gone; so are its calls, as the daemon sees from our closing.
        finally:
            self._client.close()
            self._daemon.detach()
        return 0

    def _finished(self) -> bool:
        if self._client.size:
            return False
        if self._over:
            return True
        nothing_due = not self._daemon.waiting and not self._memory.waiting and not self._daemon.amid_line
        return self._client.done and (nothing_due or self._daemon.sock is None)

    def _turn(self) -> None:
        # Not before the client knows what was lost, for joining takes as long as a daemon takes to start.
        retry_at = None if self._client.size else self._retry_at
        if retry_at is not None and time.monotonic() >= retry_at:
            self._reconnect()
            retry_at = None
        sock = self._daemon.sock
        self._watch(STDIN, select.POLLIN if self._wants_client() else None)
        self._watch(STDOUT, select.POLLOUT if self._client.size else 0)
        if sock is not None:
            self._watch(sock.fileno(), self._socket_interest())
        pause = None if retry_at is None else max(0, int((retry_at - time.monotonic()) * 1000) + 1)
        for fd, events in self._poll.poll(pause):
            if fd == STDOUT:
                if events & _GONE:
                    raise BrokenPipeError
                self._client.write()
            elif fd == STDIN:
                for line in self._client.read():
                    self._forward(line)
            else:
                self._serve_daemon(events)

    def _wants_client(self) -> bool:
        return not self._client.done and not self._over and self._daemon.size < ROOM

    def _socket_interest(self) -> int | None:
        reading = select.POLLIN if self._client.size < ROOM else 0
        writing = select.POLLOUT if self._daemon.waiting else 0
        # Hang-ups are reported unasked: a socket that nothing is wanted of must leave the set, or poll spins.
        return (reading | writing) or None

    def _watch(self, fd: int, interest: int | None) -> None:
        if self._watched.get(fd) == interest:
            return
        if interest is None:
            self._poll.unregister(fd)
            del self._watched[fd]
        else:
            self._poll.register(fd, interest)
            self._watched[fd] = interest

    def _forward(self, line: Line) -> None:
        if not line.whole:
            self._daemon.queue(line.data, None)
        elif line.data.strip():
            note = self._memory.from_client(line.data)
            if note.refusal is not None:
                self._daemon.interject(note.refusal)
            elif note.forward:
                self._daemon.queue(line.data, note.key)
        if self._daemon.sock is None and self._retry_at is None:
            self._wake()

    def _wake(self) -> None:
        """The client wants something while nobody tries to reach a daemon."""
        if time.monotonic() >= self._not_before:
            self._retry_at = time.monotonic()
        else:
            self._refuse(self._why_down)

    def _serve_daemon(self, events: int) -> None:
        sock = self._daemon.sock
        if sock is None:
            return
        alive = True
        if events & select.POLLOUT:
            alive = self._daemon.write(sock)
        if alive and events & (select.POLLIN | _GONE) and self._client.size < ROOM:
            alive = self._daemon.read(sock)
        if not alive:
            self._lose(sock.fileno())

    def _heed(self, message: dict[str, object]) -> None:
        if message.get("bye") == "end":
            self._over = True
            self._complain(str(message.get("reason")))
        elif message.get("bye") == "stop":
            self._stopped = True

    def _lose(self, fd: int) -> None:
        self._watch(fd, None)
        self._daemon.detach()
        tell, again = self._memory.lost(self._daemon.unsent, _LOST)
        for line in tell:
            self._client.give(line)
        self._daemon.queue_first(Outgoing(line, key) for key, line in again)
        if self._client.done:
            self._refuse(_LOST)
        if self._stopped and not self._daemon.waiting:
            # Somebody ended the daemon on purpose: it is started again when the client wants something, not before.
            return
        if time.monotonic() - self._since > STEADY:
            self._losses = 0
        self._retry_at = time.monotonic() + self._pause()

    def _pause(self) -> float:
        pause = 0.0 if self._losses == 0 else min(_LONGEST_PAUSE, 0.1 * 2**self._losses)
        self._losses += 1
        return pause

    def _reconnect(self) -> None:
        self._retry_at = None
        try:
            joined = self._rejoin()
            replay = self._memory.replay()
            try:
                if replay is not None:
                    joined = repeat_handshake(joined, replay, self._daemon.take)
            except (OSError, DaemonError):
                joined.sock.close()
                raise
            standing = self._memory.standing(self._daemon.unsent)
            self._daemon.queue_first(Outgoing(line, key) for key, line in standing)
            self._daemon.attach(joined)
        except (OSError, DaemonError) as error:
            self._complain(str(error))
            self._why_down = str(error)
            self._not_before = time.monotonic() + self._pause()
            self._refuse(self._why_down)
            return
        self._stopped = False
        self._since = time.monotonic()

    def _refuse(self, reason: str) -> None:
        for line in self._memory.give_up(f"the mcpool daemon cannot be reached, so this was not run: {reason}"):
            self._client.give(line)
        self._daemon.drop_all()

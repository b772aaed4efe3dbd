"""The sessions of an executor: those with a client, and those whose client may come back."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Mapping

from mcpool.environments.exec_server.refusal import Refusal
from mcpool.environments.exec_server.session import Line, Session, Spawn, Starter
from mcpool.environments.protocol import INVALID_REQUEST, SESSION_KEPT

MOST_SESSIONS = 64


class Sessions:
    """Close it to end everything that runs in any of them."""

    def __init__(self, starter: Starter, variables: Mapping[str, str], spawn: Spawn) -> None:
        """`variables` are those of the executor; `spawn` starts tasks that somebody awaits."""
        self._starter = starter
        self._variables = variables
        self._spawn = spawn
        self._sessions: dict[str, Session] = {}
        self._timers: dict[str, asyncio.TimerHandle] = {}

    def __len__(self) -> int:
        return len(self._sessions)

    def attach(self, resume: str | None, line: Line) -> Session:
        """A new session for this line, or the one of before. Raises: Refusal."""
        if resume is None:
            if len(self._sessions) >= MOST_SESSIONS:
                raise Refusal(INVALID_REQUEST, f"this executor has {MOST_SESSIONS} sessions, and may not have more")
            session = Session(secrets.token_urlsafe(24), self._starter, self._variables, self._spawn)
            self._sessions[session.id] = session
        elif (found := self._sessions.get(resume)) is not None:
            session = found
            if timer := self._timers.pop(resume, None):
                timer.cancel()
        else:
            raise Refusal(INVALID_REQUEST, "unknown session id")
        session.attach(line)
        return session

    def detach(self, session: Session, line: Line) -> None:
        """The line was lost: if the client does not come back in time, its processes end."""
        if session.detach(line):
            loop = asyncio.get_running_loop()
            self._timers[session.id] = loop.call_later(SESSION_KEPT, self._expire, session)

    async def close(self) -> None:
        """End all."""
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()
        sessions, self._sessions = self._sessions, {}
        await asyncio.gather(*(session.end() for session in sessions.values()))

    def _expire(self, session: Session) -> None:
        self._timers.pop(session.id, None)
        if self._sessions.pop(session.id, None) is not None:
            self._spawn(session.end())

"""The bounds of the gateway. Every queue, wait and store of it takes its limit from here."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Times are seconds, sizes are bytes."""

    body_bytes: int = 64 * 1024 * 1024
    """Largest request body; beyond it the answer is 413."""
    body_timeout: float = 30.0
    """How long a request's body may take to arrive; beyond it the answer is 408."""
    id_bytes: int = 1024
    """Longest JSON-RPC id or progress token, as JSON."""
    batch: int = 100
    """Messages in one batch (revision 2025-03-26)."""
    sessions: int = 1000
    """Handshake sessions open at once, and 2026-07-28 clients open at once; idle ones make room first."""
    session_idle: float = 1800.0
    """A session without a request or stream for this long is closed; its id stays good and opens it anew."""
    modern_idle: float = 300.0
    """The same for what is kept open on behalf of a 2026-07-28 client."""
    exchanges: int = 1000
    """Requests of one session in flight at once."""
    get_streams: int = 4
    """GET streams of one session open at once."""
    listens: int = 64
    """`subscriptions/listen` streams of one client open at once."""
    questions: int = 64
    """Questions of servers that one client may have open at once."""
    parked: int = 256
    """Calls of 2026-07-28 clients that may wait for answers at once."""
    parked_per_client: int = 64
    """The same of one client: a token, or a stream."""
    parked_timeout: float = 600.0
    """How long a 2026-07-28 client may take to send a request again with the answers."""
    question_gather: float = 0.05
    """How long a question to a 2026-07-28 client waits for others of the same call, to be asked together with them."""
    stream_after: float = 5.0
    """A request not answered by then is answered as an event stream."""
    keep_alive: float = 15.0
    """Longest silence of an event stream before a comment is sent."""
    drain_timeout: float = 60.0
    """How long a client may take to read the rest of a stream that is complete."""
    watch_after: float = 0.05
    """From when on a request in flight watches for its client going away."""
    backlog_bytes: int = 8 * 1024 * 1024
    """Unsent bytes that one stream of a client may pile up."""
    backlog_messages: int = 1000
    """Unsent messages that one stream of a client may pile up."""
    history_bytes: int = 1024 * 1024
    """Sent bytes that one stream keeps for a client that resumes it; an answer is kept whatever its size."""
    replay_after: float = 60.0
    """How long a dropped stream, or one not yet opened, is kept for `Last-Event-ID`."""
    replay_streams: int = 64
    """Dropped streams that one session keeps."""
    replay_bytes: int = 16 * 1024 * 1024
    """Bytes that one session keeps in dropped streams; the oldest go first."""
    roots_timeout: float = 3.0
    """How long a client may take to list its roots before it counts as having none."""
    grace: float = 10.0
    """How long a request over all servers waits for the slow ones."""
    instructions: int = 2000
    """Characters of one server's instructions in the summary for all servers."""

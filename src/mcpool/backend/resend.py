"""May a request that failed be sent again? Pure.

A request is sent again at most once, and only if it provably did not run, or if running it twice does no harm: by what
it is, by the live annotations of its tool, or because the user's configuration says so. Everything else may have run,
and the caller is told so.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from mcpool.backend.tools import Annotations
from mcpool.config.server import Retry

TOOL_CALL = "tools/call"

READS = frozenset(
    {
        "ping",
        "server/discover",
        "tools/list",
        "resources/list",
        "resources/templates/list",
        "resources/read",
        "prompts/list",
        "prompts/get",
        "completion/complete",
        "tasks/list",
        "tasks/get",
        "tasks/result",
    }
)
"""Requests that change nothing by what the protocol says of them."""

SETS = frozenset({"logging/setLevel", "resources/subscribe", "resources/unsubscribe"})
"""Requests that leave the same state behind, however often they run."""


class Failure(StrEnum):
    """What became of a request that got no result."""

    UNSENT = "unsent"
    """The connection was dead before it was sent, the write failed, or the connection was refused."""
    SESSION_EXPIRED = "session_expired"
    """The server does not know our session (HTTP 404): it refused to look at the request."""
    UNAUTHORIZED = "unauthorized"
    """HTTP 401: it wants other credentials."""
    THROTTLED = "throttled"
    """HTTP 429 or 503 with a time after which to come again: it refused to look at the request."""
    SERVER_ERROR = "server_error"
    """Another HTTP error of a server or gateway on the way: it may have run. To what changes nothing, an answer."""
    LOST = "lost"
    """Exit, reset or end of stream after it was sent: it may have run."""
    ANSWERED = "answered"
    """The server answered with an error: it ran, or was refused for good."""
    TIMED_OUT = "timed_out"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Attempt:
    """What is known about the request."""

    method: str
    failure: Failure
    resent: bool
    """Whether it was sent again before."""
    retry: Retry
    """What the configuration says of its tool or server."""
    annotations: Annotations | None = None
    """The live ones of its tool; never those of a cache."""
    refreshable: bool = False
    """Whether there are credentials that can be refreshed."""


Verdict = Literal["resend", "not_run", "unknown", "answered"]
"""`not_run`: fail and say that it did not run. `unknown`: fail and say that it may have. `answered`: pass it on."""

_NEVER_RAN = frozenset({Failure.UNSENT, Failure.SESSION_EXPIRED, Failure.THROTTLED, Failure.UNAUTHORIZED})
MAY_HAVE_RUN = frozenset({Failure.LOST, Failure.SERVER_ERROR})


def verdict(attempt: Attempt) -> Verdict:
    """What to do with a request that failed so."""
    failure = attempt.failure
    if failure is Failure.ANSWERED:
        return "answered"
    if failure in _NEVER_RAN:
        usable = failure is not Failure.UNAUTHORIZED or attempt.refreshable
        return "resend" if usable and not attempt.resent else "not_run"
    if failure in MAY_HAVE_RUN and not attempt.resent and _harmless_twice(attempt):
        return "resend"
    if failure is Failure.SERVER_ERROR and _changes_nothing(attempt):
        return "answered"
    return "unknown"


def _changes_nothing(attempt: Attempt) -> bool:
    hints = attempt.annotations
    return attempt.method in READS or (hints is not None and hints.read_only_hint is True)


def _harmless_twice(attempt: Attempt) -> bool:
    if attempt.retry != "safe":
        return attempt.retry == "always"
    if attempt.method in SETS or _changes_nothing(attempt):
        return True
    hints = attempt.annotations
    return hints is not None and hints.idempotent_hint is True

"""Talking to the daemon about itself: one request over its socket, one answer."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from typing import Any, cast

from mcpool.errors import DaemonError, McpoolError
from mcpool.rendezvous import Joined, NoDaemon, home_path, join

ANSWER_WITHIN = 60.0
"""Seconds that the daemon may take to answer."""


def tell_to_apply() -> None:
    """Have the daemon, if one runs, take over what was changed. It sees most changes by itself, a moment later."""
    with suppress(NoDaemon, McpoolError):
        ask_daemon("apply")


def ask_daemon(method: str, *, timeout: float | None = ANSWER_WITHIN, **params: Any) -> dict[str, Any]:
    """Send a control request to the running daemon of this home and return its result, given within `timeout` seconds.

    Raises:
        NoDaemon: none runs.
        DaemonError: it refused, with its reason, or did not answer.
    """
    joined = join(home_path(os.environ), kind="control", cwd=os.path.expanduser("~"))
    return ask(joined, method, timeout=timeout, **params)


def ask(joined: Joined, method: str, *, timeout: float | None = ANSWER_WITHIN, **params: Any) -> dict[str, Any]:
    """The same over a connection that is there already, which is closed afterwards.

    Raises:
        DaemonError: it refused, went away before it answered, or did not answer in time.
    """
    with joined.sock as sock, sock.makefile("rb") as answers:
        sock.settimeout(timeout)
        try:
            sock.sendall(json.dumps({"id": 1, "method": method, "params": params}).encode() + b"\n")
            line = answers.readline()
        except TimeoutError:
            raise DaemonError(
                f"the mcpool daemon did not answer `{method}` within {timeout:g} s; its pid is in daemon.lock in "
                "mcpool's home: if it hangs, end that process and try again"
            ) from None
        except ConnectionError:
            line = b""
    if not line.endswith(b"\n"):
        raise DaemonError(f"the mcpool daemon went away before it answered `{method}`")
    answer = cast("dict[str, Any]", json.loads(line))
    if "error" in answer:
        raise DaemonError(str(answer["error"]))
    return cast("dict[str, Any]", answer["result"])

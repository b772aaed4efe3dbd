"""Talking to the daemon about itself: one request over its socket, one answer."""

from __future__ import annotations

import json
import os
from typing import Any, cast

from mcpool.errors import DaemonError
from mcpool.rendezvous import Joined, home_path, join


def ask_daemon(method: str, **params: Any) -> dict[str, Any]:
    """Send a control request to the running daemon of this home and return its result.

    Raises:
        NoDaemon: none runs.
        DaemonError: it refused, with its reason.
    """
    return ask(join(home_path(os.environ), kind="control", cwd=os.path.expanduser("~")), method, **params)


def ask(joined: Joined, method: str, **params: Any) -> dict[str, Any]:
    """The same over a connection that is there already, which is closed afterwards.

    Raises:
        DaemonError: it refused, or went away before it answered.
    """
    with joined.sock as sock, sock.makefile("rb") as answers:
        sock.sendall(json.dumps({"id": 1, "method": method, "params": params}).encode() + b"\n")
        line = answers.readline()
    if not line:
        raise DaemonError(f"the mcpool daemon went away before it answered `{method}`")
    answer = cast("dict[str, Any]", json.loads(line))
    if "error" in answer:
        raise DaemonError(str(answer["error"]))
    return cast("dict[str, Any]", answer["result"])

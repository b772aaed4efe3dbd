"""`mcpool connect [SERVER]`: an MCP server on stdin and stdout that is in truth the shared daemon.

Started once per client and server, so it has to be small: standard library only, no asyncio, no argparse.
"""

from __future__ import annotations

import os
import select
import sys
import time
from collections.abc import Sequence

from mcpool.cli.exit_codes import INTERRUPTED, UNAVAILABLE, USAGE
from mcpool.cli.words import say
from mcpool.errors import DaemonError

HELP = """\
usage: mcpool connect [SERVER]

Speak MCP on stdin and stdout, through the mcpool daemon that all clients share. This is the command to put into a
client's configuration. With SERVER it is that server, transparently; without, all configured servers at once, with
their names in front of their tools. A daemon is started if none runs.

  claude mcp add github -- mcpool connect github
  {"mcpServers": {"github": {"command": "mcpool", "args": ["connect", "github"]}}}
"""

_PATIENCE = 5.0
"""Seconds to wait for an `initialize` that can be told why there is no daemon."""


def run(arguments: Sequence[str]) -> int:
    """Run the command; returns its exit code."""
    if "-h" in arguments or "--help" in arguments:
        sys.stdout.write(HELP)
        return 0
    if len(arguments) > 1 or any(argument.startswith("-") for argument in arguments):
        sys.stderr.write(f"mcpool connect: takes at most the name of a server, not {' '.join(arguments)!r}\n")
        return USAGE
    try:
        return _relay(arguments[0] if arguments else None)
    except KeyboardInterrupt:
        return INTERRUPTED
    except Exception as error:
        from mcpool.cli.commands import tell_defect

        tell_defect(error)
        return UNAVAILABLE


def _relay(server: str | None) -> int:
    from mcpool.cli.relay import Relay
    from mcpool.gateway.starting import join_or_start
    from mcpool.rendezvous import Joined, Refused

    cwd = _working_folder()

    def join() -> Joined:
        return join_or_start(os.environ, server=server, cwd=cwd)

    try:
        joined = join()
    except (DaemonError, OSError) as error:
        reason = _reason(error)
        _complain(reason)
        _tell_client(reason)
        return USAGE if isinstance(error, Refused) else UNAVAILABLE
    return Relay(joined, join, _complain).run()


def _reason(error: DaemonError | OSError) -> str:
    if isinstance(error, DaemonError):
        return str(error)
    from mcpool.cli.os_error import os_error_sentence

    return os_error_sentence(error)


def _working_folder() -> str:
    try:
        return os.getcwd()
    except FileNotFoundError:
        return os.path.expanduser("~")


def _complain(text: str) -> None:
    say(f"mcpool connect: {' '.join(text.split())}\n")


def _tell_client(reason: str) -> None:
    """Answer the client's first request with the reason, since many clients show no stderr."""
    from mcpool.cli.memory import Memory

    if os.isatty(0):
        return
    deadline = time.monotonic() + _PATIENCE
    data = b""
    while b"\n" not in data:
        readable, _, _ = select.select([0], [], [], max(0.0, deadline - time.monotonic()))
        chunk = os.read(0, 65536) if readable else b""
        if not chunk:
            return
        data += chunk
    memory = Memory()
    for line in data.splitlines():
        memory.from_client(line)
    try:
        for line in memory.give_up(reason):
            os.write(1, line)
    except BrokenPipeError:
        return

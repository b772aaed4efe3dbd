"""Headers that a command prints: for credentials that are made anew for each connection."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Mapping
from contextlib import suppress

import msgspec

from mcpool.errors import ServerUnavailable

TIME_LIMIT = 10.0
"""Seconds."""
OUTPUT_LIMIT = 64 * 1024


async def helper_headers(server: str, command: str, cwd: str, environ: Mapping[str, str]) -> dict[str, str]:
    """Run the shell command and read the JSON object of headers that it prints.

    Raises:
        ServerUnavailable: it failed, took too long, or printed anything else. The output is never shown: it is secret.
    """
    process = await asyncio.create_subprocess_shell(
        command,
        cwd=cwd,
        env=dict(environ),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        start_new_session=True,
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(TIME_LIMIT):
            output = await process.stdout.read(OUTPUT_LIMIT + 1)
            while len(output) <= OUTPUT_LIMIT and (more := await process.stdout.read(OUTPUT_LIMIT)):
                output += more
            status = await process.wait() if len(output) <= OUTPUT_LIMIT else None
    except TimeoutError:
        raise _failed(server, f"did not end within {TIME_LIMIT:g} s") from None
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
    if status is None:
        raise _failed(server, f"printed more than {OUTPUT_LIMIT // 1024} KiB")
    if status:
        raise _failed(server, f"ended with status {status}")
    try:
        headers = msgspec.json.decode(output, type=dict[str, str])
    except msgspec.DecodeError:
        raise _failed(server, "did not print a JSON object of strings") from None
    if not headers:
        raise _failed(server, "printed no headers")
    return headers


def _failed(server: str, what: str) -> ServerUnavailable:
    return ServerUnavailable(server, f"its `http_headers_helper` {what}; run that command by hand to see why")

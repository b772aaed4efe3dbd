"""Headers that a command prints: for credentials that are made anew for each connection."""

from __future__ import annotations

import secrets
from collections.abc import Mapping

import msgspec

from mcpool.errors import ServerUnavailable
from mcpool.launch.process_output import process_output

TIME_LIMIT = 10.0
"""Seconds."""
OUTPUT_LIMIT = 64 * 1024


async def helper_headers(server: str, command: str, cwd: str, environ: Mapping[str, str]) -> dict[str, str]:
    """Run the shell command and read the JSON object of headers that it prints.

    Raises:
        ServerUnavailable: it failed, took too long, or printed anything else. The output is never shown: it is secret.
    """
    output = await process_output(
        ("/bin/sh", "-c", command),
        env=environ,
        cwd=cwd,
        seconds=TIME_LIMIT,
        limit=OUTPUT_LIMIT,
        mark=secrets.token_hex(8),
    )
    if output.status is None:
        size = f"or printed more than {OUTPUT_LIMIT // 1024} KiB"
        raise _failed(server, f"could not be run, did not end within {TIME_LIMIT:g} s, {size}")
    if output.status:
        raise _failed(server, f"ended with status {output.status}")
    try:
        headers = msgspec.json.decode(output.stdout, type=dict[str, str])
    except msgspec.DecodeError:
        raise _failed(server, "did not print a JSON object of strings") from None
    if not headers:
        raise _failed(server, "printed no headers")
    return headers


def _failed(server: str, what: str) -> ServerUnavailable:
    return ServerUnavailable(server, f"its `http_headers_helper` {what}; run that command by hand to see why")

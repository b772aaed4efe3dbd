"""A person who signs in with `mcpool auth`, with the browser elsewhere."""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
from collections.abc import Callable

from support.mcpool_home import TIMEOUT, McpoolHome
from support.oauth_server import visit


async def signed_in(
    mcpool: McpoolHome, paste: Callable[[str], str] | None = None, proxy: str | None = None, end: str = "\n"
) -> tuple[int, str]:
    """Sign in as a person does who has the browser elsewhere; the exit code and everything that was printed.

    `proxy` is that of their browser; `end` comes after what they paste, before their input ends.
    """
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "mcpool", "auth", "web", "--no-browser"),
        env=mcpool.environ,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    said = b""
    async with asyncio.timeout(TIMEOUT):
        while (found := re.search(rb"^  (http\S+)$", said, re.MULTILINE)) is None:
            line = await process.stdout.readline()
            assert line, said
            said += line
        page = found[1].decode()
        address = await visit(page, proxy) if paste is None else paste(page)
        rest, _ = await process.communicate(f"{address}{end}".encode())
    assert process.returncode is not None
    return process.returncode, (said + rest).decode()

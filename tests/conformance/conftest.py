"""The everything server, in front of which the suite is put."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from support.mcpool_home import TIMEOUT, McpoolHome

_TESTS = Path(__file__).parents[1]


@pytest.fixture
def direct() -> Iterator[str]:
    """The URL of the everything server itself, over HTTP."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        descriptor = listening.fileno()
        command = [sys.executable, "-W", "ignore", "-m", "conformance.everything", "--http", str(descriptor)]
        process = subprocess.Popen(command, cwd=_TESTS, pass_fds=(descriptor,))
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}/mcp"
        finally:
            process.terminate()
            process.wait(TIMEOUT)


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[McpoolHome]:
    """A running daemon with the everything server, and with one that speaks the handshake era only."""
    with closing(McpoolHome(tmp_path_factory.mktemp("gateway") / "home", config=None)) as mcpool:
        mcpool.configure_servers(everything=_on_stdio(), handshake=_on_stdio("--handshake"))
        mcpool.up().ready()
        yield mcpool


def _on_stdio(*arguments: str) -> dict[str, Any]:
    command = ["-W", "ignore", "-m", "conformance.everything", *arguments]
    return {"command": sys.executable, "args": command, "cwd": str(_TESTS)}

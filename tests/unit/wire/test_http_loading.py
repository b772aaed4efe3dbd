"""The SDK is imported with the first HTTP server, never with the module that describes one."""

from __future__ import annotations

import subprocess
import sys

HEAVY = "('mcp', 'httpx2', 'anyio', 'pydantic')"


def loaded_after(code: str) -> str:
    program = f"import sys; {code}; print([name for name in {HEAVY} if name in sys.modules])"
    return subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout.strip()


def test_describing_an_endpoint_loads_nothing_heavy() -> None:
    assert loaded_after("from mcpool.wire.http import HttpSpec, open_http, proxy_for") == "[]"


def test_loading_ahead_loads_all_of_it() -> None:
    assert loaded_after("from mcpool.wire.http import load; load()") == "['mcp', 'httpx2', 'anyio', 'pydantic']"

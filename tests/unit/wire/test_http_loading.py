"""The SDK is imported with the first HTTP server, never with the module that describes one."""

from __future__ import annotations

import subprocess
import sys

from mcpool.wire.http import load
from mcpool.wire.http_tls import tls

HEAVY = "('mcp', 'httpx2', 'anyio', 'pydantic')"


def loaded_after(code: str) -> str:
    program = f"import sys; {code}; print([name for name in {HEAVY} if name in sys.modules])"
    return subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout.strip()


def test_describing_an_endpoint_loads_nothing_heavy() -> None:
    assert loaded_after("from mcpool.wire.http import HttpSpec, open_http, proxy_for") == "[]"


def test_loading_ahead_loads_all_of_it() -> None:
    assert loaded_after("from mcpool.wire.http import load; load()") == "['mcp', 'httpx2', 'anyio', 'pydantic']"


def test_the_trusted_certificates_are_read_once_and_ahead() -> None:
    """Reading them takes so long that a loop would stand still with each new connection."""
    tls.cache_clear()  # tests of before may have had two connections load it at the same moment
    load()
    read = tls.cache_info().misses
    assert tls() is tls()
    assert (read, tls.cache_info().misses) == (1, 1)

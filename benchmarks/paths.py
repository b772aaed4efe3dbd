"""Where the benchmarks find and put things."""

from __future__ import annotations

import sys
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parent
RESULTS = HERE / "results"
INSTALLED = ROOT / "build" / "bench-peers"
"""Where `make bench` installs the gateways of others."""
ECHO = (sys.executable, "-I", "-S", str(HERE / "servers" / "echo.py"))
"""The command of the server behind every subject."""

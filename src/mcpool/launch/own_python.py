"""The interpreter that this program runs in, as a command."""

from __future__ import annotations

import os
import sys


def own_python() -> str:
    """The path of a Python like this one. In an embedded interpreter `sys.executable` is the embedding program."""
    if "py" in os.path.basename(sys.executable or ""):
        return sys.executable
    return os.path.join(sys.base_prefix, "bin", "python3")

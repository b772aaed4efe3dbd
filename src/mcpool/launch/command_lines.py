"""What processes were started as."""

from __future__ import annotations

import shlex
import subprocess
import sys
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path


def command_lines(pids: Collection[int]) -> dict[int, tuple[str, ...]]:
    """The words of each command line, those left out that are gone or cannot be looked at."""
    if sys.platform != "linux":
        return _by_ps(pids)
    found: dict[int, tuple[str, ...]] = {}
    for pid in pids:
        with suppress(OSError):
            # A program that set its title leaves blanks or zeros behind it.
            raw = Path(f"/proc/{pid}/cmdline").read_bytes().rstrip(b"\0 ")
            if raw:
                found[pid] = tuple(word.decode(errors="replace") for word in raw.split(b"\0"))
    return found


def _by_ps(pids: Collection[int]) -> dict[int, tuple[str, ...]]:
    """macOS: `ps` joins the words by blanks, so words with blanks come apart."""
    listed = subprocess.run(
        ["ps", "-A", "-ww", "-o", "pid=,command="],
        capture_output=True,
        check=False,
        env={"PATH": "/bin:/usr/bin", "LC_ALL": "C"},
        stdin=subprocess.DEVNULL,
    )
    found: dict[int, tuple[str, ...]] = {}
    for line in listed.stdout.decode(errors="replace").splitlines():
        number, _, text = line.strip().partition(" ")
        if number.isdigit() and int(number) in pids and text.strip():
            found[int(number)] = _words(text.strip())
    return found


def _words(text: str) -> tuple[str, ...]:
    with suppress(ValueError):
        return tuple(shlex.split(text))
    return tuple(text.split())

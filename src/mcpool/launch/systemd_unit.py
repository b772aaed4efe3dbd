"""Which unit of systemd a process is in."""

from __future__ import annotations

from pathlib import Path


def unit_of(pid: int) -> str | None:
    """The name of the innermost service or scope; empty if it is in none, None if the system does not tell."""
    try:
        return unit_in(Path(f"/proc/{pid}/cgroup").read_text("utf-8", errors="replace"))
    except OSError:
        return None


def unit_in(text: str) -> str:
    """The unit that `/proc/PID/cgroup` names; empty if it names none. Pure."""
    # The second version of control groups says `0::PATH`; beside the first one systemd has a hierarchy of its own.
    fields = [line.split(":", 2) for line in text.splitlines()]
    paths = [found[2] for found in fields if len(found) == 3 and (found[0] == "0" or found[1] == "name=systemd")]
    names = [name for path in paths for name in path.split("/") if name.endswith((".service", ".scope"))]
    # The user's own systemd is a service; what it started is in a unit within that.
    return next((name for name in reversed(names) if not name.startswith("user@")), "")

"""`mcpool status SERVER`: all that is known of one process or endpoint of a server."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mcpool.cli.screen import Screen, state_style
from mcpool.cli.units import duration, latency, size, soon
from mcpool.launch.server_log import log_name

Row = dict[str, Any]


def show_server(row: Row, home: str, screen: Screen) -> None:
    """Print one row of the status in full."""
    screen.line(f"{row['name']}  {row['state']}", f"bold {state_style(str(row['state']))}".strip())
    for label, text in facts(row, home):
        first, *more = text.splitlines() or [""]
        screen.line(f"  {label:<13}{first}")
        for line in more:
            screen.line(f"  {'':<13}{line}")
    screen.line()


def facts(row: Row, home: str) -> list[tuple[str, str]]:
    """What there is to say, label by label."""
    said: list[tuple[str, str | None]] = [
        ("process", _process(row)),
        ("restarts", str(row["restarts"])),
        ("error", row["last_error"]),
        ("next try", None if row.get("next_retry") is None else soon(row["next_retry"])),
        ("last failure", _last_failure(row)),
        ("use", f"{_number(row['leases'], 'lease')}, {_number(row['in_flight'], 'call')} in flight"),
        ("latency", _latency(row.get("latency"))),
        ("memory", _memory(row.get("memory"))),
        ("server", _software(row)),
        ("protocol", None if not row.get("revision") else f"{row['revision']} ({row['era']} era)"),
        ("offers", ", ".join(row.get("capabilities") or ())),
        ("start took", _phases(row.get("phases"))),
        ("tools", None if row["tools"] is None else str(row["tools"])),
        ("scope", str(row["scope"])),
        ("runs in", None if row.get("environment") in (None, "local") else f"the environment `{row['environment']}`"),
        ("folder", row["cwd"]),
        ("on its own", "; ".join(row.get("why") or ())),
        ("same as", ", ".join(row.get("same_as") or ())),
        *(("note", note) for note in row.get("notes") or ()),
        ("log", str(Path(home, "logs", log_name(str(row["name"]))))),
        ("last words", row.get("last_words")),
    ]
    return [(label, text) for label, text in said if text]


def _process(row: Row) -> str:
    if row.get("uptime") is None:
        return f"none; {_number(row['generation'], 'start')} so far"
    pid = "no process here" if row["pid"] is None else f"pid {row['pid']}"
    return f"{pid}, generation {row['generation']}, up {duration(row['uptime'])}"


def _last_failure(row: Row) -> str | None:
    if not row.get("last_failure") or row["last_failure"] == row["last_error"]:
        return None
    return f"{duration(row['last_failure_ago'])} ago: {row['last_failure']}"


def _latency(quantiles: dict[str, float] | None) -> str | None:
    if quantiles is None:
        return None
    shown = ", ".join(f"{name} {latency(quantiles[name])}" for name in ("p50", "p95", "p99"))
    return f"{shown} (last {_number(int(quantiles['requests']), 'request')})"


def _phases(phases: dict[str, float] | None) -> str | None:
    if phases is None:
        return None
    parts = (("process", "start"), ("handshake", "handshake"), ("tools", "tools"))
    return ", ".join(f"{label} {latency(phases[key])}" for label, key in parts)


def _memory(memory: dict[str, int | None] | None) -> str | None:
    if memory is None:
        return None
    rss, pss, processes = memory["rss"] or 0, memory["pss"], memory["processes"] or 0
    count = "1 process" if processes == 1 else f"{processes} processes"
    own = "" if pss is None else f"{size(pss)} its own share (PSS), "
    return f"{own}{size(rss)} resident (RSS), {count}"


def _software(row: Row) -> str | None:
    return " ".join(str(row[key]) for key in ("server_name", "server_version") if row.get(key)) or None


def _number(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"

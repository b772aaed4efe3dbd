"""The results as Markdown: what was reached against what was aimed at, then every table."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from statistics import median
from typing import Any

from benchmarks.call_path import IN_FLIGHT, Outcome
from benchmarks.frameworks import CLIENTS as MCP_CLIENTS
from benchmarks.frameworks import FRAMEWORKS, Frameworks
from benchmarks.gateway import CLIENTS
from benchmarks.recovery import TITLES, Recovery

Outcomes = dict[str, Outcome]


@dataclass(slots=True)
class Results:
    """Everything one run found; None where a part was not run."""

    call_path: Outcomes | None = None
    gateway: Outcomes | None = None
    threads: dict[str, Any] | None = None
    changes: dict[str, Any] | None = None
    start_up: dict[str, Any] | None = None
    recovery: Recovery | None = None
    frameworks: Frameworks | None = None
    minutes: float = 0.0
    load: float = 0.0
    """Load average of the machine when the run began."""


def earlier(found: dict[str, Any]) -> Results:
    """Results that were written as JSON."""
    results = Results(**found)
    results.call_path, results.gateway = _outcomes(found["call_path"]), _outcomes(found["gateway"])
    results.recovery = Recovery(**found["recovery"]) if found["recovery"] else None
    results.frameworks = Frameworks(**kept) if (kept := found.get("frameworks")) else None
    return results


def _outcomes(found: dict[str, Any] | None) -> Outcomes | None:
    if found is None:
        return None
    outcomes = {name: Outcome(**outcome) for name, outcome in found.items()}
    for outcome in outcomes.values():
        outcome.points = {int(count): points for count, points in outcome.points.items()}
    return outcomes


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    names = list(head)
    lines = [names, ["---"] + ["--:"] * (len(names) - 1), *(list(row) for row in rows)]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)


def markdown(results: Results) -> str:
    """The whole report."""
    parts = [
        "# Benchmarks",
        f"Python {platform.python_version()}, {platform.system()} {platform.machine()}, {os.cpu_count()} CPUs that the "
        f"subject, the client and the server share; load average {results.load:.1f} at the start; "
        f"{results.minutes:.1f} minutes. All subjects of a part by turns in one run against one echo server; the best "
        "round of each, the median in brackets.",
        "## Aims",
        "Ratios are of the best rounds, those of the medians in brackets.",
        table(("aim", "reached", "wanted", "holds"), _aims(results)),
    ]
    if results.call_path is not None:
        parts += ["## Library: calls through one connection", _library(results.call_path)]
        parts += ["A result of 32 MB, parsed to its text:", _big(results.call_path)]
    if results.gateway is not None:
        parts += ["## Gateways: clients with a session and one call in flight each", _gateway(results.gateway)]
    if results.threads is not None:
        parts += ["## Threads on five servers", _threads(results.threads)]
    if results.changes is not None:
        parts += ["## What is changed, and what is not", _changes(results.changes)]
    if results.start_up is not None:
        parts += ["## Start-up and memory", _start_up(results.start_up)]
    if results.recovery is not None:
        parts += ["## A server that is killed", *_recovery(results.recovery)]
    if results.frameworks is not None:
        parts += ["## Agents of frameworks", *_frameworks(results.frameworks)]
    return "\n\n".join(parts) + "\n"


def _aims(results: Results) -> list[list[str]]:
    rows: list[list[str]] = []

    def aim(name: str, value: float | None, limit: float, unit: str) -> None:
        if value is None:
            rows.append([name, "not measured", f"{limit:g}{unit}", "-"])
            return
        rows.append([name, f"{value:.2f}{unit}", f"at most {limit:g}{unit}", _holds(value <= limit)])

    def ratio(name: str, ours: Outcome, other: Outcome, n: int, key: str, limit: float, *, least: bool = False) -> None:
        best, median = _ratio(ours.best(n, key), other.best(n, key)), _ratio(ours.median(n, key), other.median(n, key))
        if best is None or median is None:
            rows.append([name, "not measured", f"{limit:g}x", "-"])
            return
        bound = "at least" if least else "at most"
        holds = best >= limit if least else best <= limit
        rows.append([name, f"{best:.2f}x ({median:.2f}x)", f"{bound} {limit:g}x", _holds(holds)])

    if (found := results.call_path) is not None:
        ours, floor, sdk = found["mcpool_step"], found["floor"], found["mcp_sdk"]
        for n in IN_FLIGHT:
            ratio(f"CPU per call, {n} in flight, of the floor's", ours, floor, n, "cpu", 1.5)
        ratio("calls/s at 64 in flight, of the SDK's", ours, sdk, 64, "per_second", 6, least=True)
        big = _ratio(ours.best_big("seconds"), floor.best_big("seconds"))
        aim("32 MB result, of the floor's time", big, 1.1, "x")
    if (found := results.gateway) is not None:
        ours, floor = found["mcpool"], found["floor"]
        peers = [outcome for name, outcome in found.items() if name not in ("mcpool", "floor")]
        best_peer = max(peers, key=lambda outcome: outcome.best(16, "per_second") or 0.0)
        ratio("gateway CPU per call at 1 client, of the floor's", ours, floor, 1, "cpu", 2)
        ratio("gateway CPU per call at 16 clients, of the floor's", ours, floor, 16, "cpu", 2)
        ratio("gateway calls/s at 16 clients, of the best peer's", ours, best_peer, 16, "per_second", 2, least=True)
        ratio("gateway p50 at 1 client, of the floor's", ours, floor, 1, "p50", 1.5)
        ratio("gateway p50 at 16 clients, of the floor's", ours, floor, 16, "p50", 1.5)
    if (found := results.threads) is not None and "rows" in found:
        most = found["rows"][-1]
        aim(f"time to ready per thread, of {most['threads']:,}", most["ready"] * 1e3, 1, " ms")
        aim(f"memory per thread, of {most['threads']:,}", most["memory"] / 1024, 30, " KiB")
        aim("processes of five servers", most["processes"], 5, "")
    if (found := results.changes) is not None and "error" not in found:
        for key, name, factor, limit, unit in _CHANGES:
            aim(name, found[key] * factor, limit, f" {unit}")
    if (found := results.start_up) is not None:
        scaled: list[tuple[str, str, float, float, str]] = [
            ("`import mcpool`", "import", 1e3, 100, " ms"),
            ("idle daemon and warden, PSS", "daemon_pss", 1 / 2**20, 50, " MB"),
            ("`mcpool connect` to the running daemon", "connect", 1e3, 60, " ms"),
            ("shim, PSS", "shim_pss", 1 / 2**20, 10, " MB"),
        ]
        for name, key, factor, limit, unit in scaled:
            aim(name, found[key] * factor if key in found else None, limit, unit)
    if (healed := results.recovery) is not None:
        took = healed.median("mcpool")
        aim("killed server: next call, beyond its own start", None if took is None else took * 1e3, 50, " ms")
        without, watched = (min(values) for values in healed.p50.values())
        aim("p50 of a call with heartbeat, of one without", watched / without, 1.1, "x")
    return rows


def _holds(yes: bool) -> str:
    return "yes" if yes else "**no**"


def _ratio(ours: float | None, other: float | None) -> float | None:
    return ours / other if ours and other else None


def _cell(outcome: Outcome, n: int, key: str, show: Callable[[float], str]) -> str:
    best, median = outcome.best(n, key), outcome.median(n, key)
    return "-" if best is None or median is None else f"{show(best)} ({show(median)})"


def _us(value: float) -> str:
    return f"{value * 1e6:,.0f}"


def _ms(value: float) -> str:
    return f"{value * 1e3:,.2f}"


def _count(value: float) -> str:
    return f"{value:,.0f}"


def _mb(value: float) -> str:
    return f"{value / 2**20:,.1f}"


def _library(outcomes: Outcomes) -> str:
    head = ["", "p50 us", "p99 us"]
    head += [f"CPU us/call, {n} in flight" for n in IN_FLIGHT] + [f"calls/s, {n} in flight" for n in IN_FLIGHT]
    rows: list[list[str]] = []
    for outcome in outcomes.values():
        if not outcome.points:
            rows.append([outcome.title, outcome.error or "not measured"] + [""] * (len(head) - 2))
            continue
        row = [outcome.title, _cell(outcome, 1, "p50", _us), _cell(outcome, 1, "p99", _us)]
        row += [_cell(outcome, n, "cpu", _us) for n in IN_FLIGHT]
        rows.append(row + [_cell(outcome, n, "per_second", _count) for n in IN_FLIGHT])
    return table(head, rows)


def _big(outcomes: Outcomes) -> str:
    rows = [
        [o.title, *(f"{best:.2f}" if (best := o.best_big(key)) is not None else "-" for key in ("seconds", "cpu"))]
        for o in outcomes.values()
    ]
    return table(("", "seconds", "CPU seconds"), rows)


def _gateway(outcomes: Outcomes) -> str:
    head = [""]
    for n in CLIENTS:
        who = "1 client" if n == 1 else f"{n} clients"
        head += [f"p50 ms, {who}", f"p99 ms, {who}", f"calls/s, {who}", f"CPU us/call, {who}"]
    head += ["PSS MB idle", "PSS MB after", "processes of the server"]
    rows: list[list[str]] = []
    for outcome in outcomes.values():
        if not outcome.points:
            rows.append([outcome.title, outcome.error or "not measured"] + [""] * (len(head) - 2))
            continue
        row = [outcome.title]
        for n in CLIENTS:
            row += [_cell(outcome, n, "p50", _ms), _cell(outcome, n, "p99", _ms)]
            row += [_cell(outcome, n, "per_second", _count), _cell(outcome, n, "cpu", _us)]
        row += [_mb(outcome.facts[key]) if key in outcome.facts else "-" for key in ("idle_pss", "pss")]
        rows.append([*row, str(outcome.facts.get("servers", "-"))])
    return table(head, rows)


def _threads(found: dict[str, Any]) -> str:
    if "rows" not in found:
        return f"Not measured: {found.get('error')}"
    rows = [
        [
            f"{row['threads']:,}",
            str(row["processes"]),
            _ms(row["ready"]) + (" (starts the servers)" if row["threads"] == 1 else ""),
            "-" if row["threads"] == 1 else f"{row['memory'] / 1024:,.1f}",
        ]
        for row in found["rows"]
    ]
    return table(("threads", "server processes", "ms to ready, per thread", "KiB per thread"), rows)


_CHANGES: tuple[tuple[str, str, float, float, str], ...] = (
    ("projection", "a projection of 200 servers, resolved and compared", 1e3, 1, "ms"),
    ("step", "a step on which nothing changed, 1 server", 1e6, 20, "us"),
    ("step_many", "the same with 10 servers", 1e6, 20, "us"),
)


def _changes(found: dict[str, Any]) -> str:
    if "error" in found:
        return f"Not measured: {found['error']}"
    return table(
        ("", "best"), [[name, f"{found[key] * factor:,.2f} {unit}"] for key, name, factor, _, unit in _CHANGES]
    )


_FIGURES: tuple[tuple[str, str, Callable[[float], str], str], ...] = (
    ("`import mcpool`, beyond the interpreter's own start", "import", _ms, "ms"),
    ("the same with `mcpool.open` and `mcpool.Step` loaded", "import_all", _ms, "ms"),
    ("`mcpool up` until its first client is served", "up", _ms, "ms"),
    ("`mcpool call` while the daemon runs", "call", _ms, "ms"),
    ("`mcpool connect` until the first answer, while the daemon runs", "connect", _ms, "ms"),
    ("the same when it has to start the daemon", "connect_cold", _ms, "ms"),
    ("PSS of the shim", "shim_pss", _mb, "MB"),
    ("PSS of the idle daemon and its warden", "daemon_pss", _mb, "MB"),
    ("PSS of the warden alone", "warden_pss", _mb, "MB"),
)


def _start_up(found: dict[str, Any]) -> str:
    rows = [[name, f"{show(found[key])} {unit}"] for name, key, show, unit in _FIGURES if key in found]
    if "import_heavy" in found:
        rows.append(["of pydantic, mcp, uvicorn and rich, `import mcpool` loads", found["import_heavy"]])
    rows += [[f"{name}: not measured", why] for name, why in found.get("failed", {}).items()]
    return table(("", "best"), rows)


def _recovery(found: Recovery) -> list[str]:
    rows: list[list[str]] = []
    for name, title in TITLES.items():
        middle, worst = found.median(name), found.worst(name)
        if middle is not None and worst is not None:
            rows.append([title, f"{_ms(middle)} ms", f"{_ms(worst)} ms"])
        else:
            rows.append([title, found.failed.get(name, "fails for ever"), "-"])
    cost = [[title, _us(min(values)), _us(median(values))] for title, values in found.p50.items()]
    return [
        f"From the death of the process to the next call that works, without the server's own start "
        f"({_ms(found.start)} ms):",
        table(("", "median", "worst"), rows),
        "What it costs a call that its server is watched, one call in flight:",
        table(("p50 us", "best", "median"), cost),
    ]


def _frameworks(found: Frameworks) -> list[str]:
    rows: list[list[str]] = []
    for framework, title in FRAMEWORKS.items():
        for client in MCP_CLIENTS:
            value = {key: found.middle(framework, client, key) for key in _OF_AGENTS}
            named = f"{title}, {'mcpool' if client == 'mcpool' else 'its own MCP client'}"
            shown = [_agents_cell(key, number) for key, number in value.items() if number is not None]
            rows.append([named, *(shown or [found.failed.get(f"{framework}/{client}", "not measured"), *["-"] * 4])])
    about = (
        f"{found.runs} runs at once that call a tool {found.calls} times each, one after the other, against a model on "
        "loopback that answers at once; medians of the rounds. Memory is that of the program and its servers."
    )
    return [about, table(("", *_OF_AGENTS.values()), rows)]


_OF_AGENTS = {
    "processes": "server processes",
    "memory": "memory",
    "first": "to the first call's answer",
    "per_second": "calls/s",
    "cpu": "CPU per call and turn",
}


def _agents_cell(key: str, number: float) -> str:
    match key:
        case "memory":
            return f"{number / 2**20:,.0f} MB"
        case "first" | "cpu":
            return f"{number * 1e3:,.1f} ms"
        case _:
            return f"{number:,.0f}"

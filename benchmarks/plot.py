"""The comparisons as one picture."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.call_path import IN_FLIGHT, Outcome
from benchmarks.frameworks import CLIENTS as MCP_CLIENTS
from benchmarks.frameworks import FRAMEWORKS, Frameworks
from benchmarks.gateway import CLIENTS
from benchmarks.recovery import TITLES, Recovery
from benchmarks.report import Results

_OURS, _FLOOR, _OTHERS = "#2a6fbb", "#9aa5b1", ("#d98c3f", "#b8574a", "#8a6bb0")


def draw(results: Results, folder: Path) -> list[Path]:
    """Write `benchmarks.png` and `.svg`; nothing if there is nothing to compare."""
    panels: list[tuple[str, dict[str, Outcome], tuple[int, ...], tuple[str, str], str, float]] = []
    if results.call_path:
        panels += [
            (
                "Library: calls per second (more is better)",
                results.call_path,
                IN_FLIGHT,
                ("call in flight", "calls in flight"),
                "per_second",
                1,
            ),
            (
                "Library: CPU per call, us (less is better)",
                results.call_path,
                IN_FLIGHT,
                ("call in flight", "calls in flight"),
                "cpu",
                1e6,
            ),
        ]
    if results.gateway:
        panels += [
            (
                "Gateway: calls per second (more is better)",
                results.gateway,
                CLIENTS,
                ("client", "clients"),
                "per_second",
                1,
            ),
            ("Gateway: CPU per call, us (less is better)", results.gateway, CLIENTS, ("client", "clients"), "cpu", 1e6),
        ]
    healed = results.recovery
    agents = results.frameworks
    if not panels and healed is None and agents is None:
        return []
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot

    rows = (len(panels) + 1) // 2 + (healed is not None) + (agents is not None)
    figure, axes = pyplot.subplots(rows, 2, figsize=(13, 4 * rows), squeeze=False)
    for place, panel in zip(axes.flat, panels, strict=False):
        _panel(place, *panel)
    last = len(axes) - 1
    if agents is not None:
        _bars(axes[last][0], "20 agents at once: server processes (less is better)", _agents(agents, "processes", 1))
        _bars(axes[last][1], "20 agents at once: calls per second (more is better)", _agents(agents, "per_second", 1))
        last -= 1
    if healed is not None:
        _bars(
            axes[last][0], "Killed server: ms to the next call, beyond its own start (less is better)", _killed(healed)
        )
        watched = {title: min(values) * 1e6 for title, values in healed.p50.items()}
        _bars(axes[last][1], "mcpool: p50 of a call, us (less is better)", watched)
    figure.tight_layout()
    paths = [folder / f"benchmarks.{kind}" for kind in ("png", "svg")]
    for path in paths:
        figure.savefig(path, dpi=120, metadata={"Date": None} if path.suffix == ".svg" else None)
    pyplot.close(figure)
    return paths


def _killed(found: Recovery) -> dict[str, float | None]:
    """Milliseconds; None where calls fail for ever."""
    shown = [name for name in TITLES if name in found.times]
    return {TITLES[name]: None if (took := found.median(name)) is None else took * 1e3 for name in shown}


def _agents(found: Frameworks, key: str, factor: float) -> dict[str, float | None]:
    """By framework and client; what could not be measured is left out."""
    return {
        f"{title}, {'mcpool' if client == 'mcpool' else 'own client'}": value * factor
        for framework, title in FRAMEWORKS.items()
        for client in MCP_CLIENTS
        if (value := found.middle(framework, client, key)) is not None
    }


def _bars(axes: Any, title: str, values: Mapping[str, float | None]) -> None:
    """One bar for each, and a word for each that has none."""
    colours = [_OURS if "mcpool" in name or title.startswith("mcpool") else _OTHERS[0] for name in values]
    bars = axes.barh(list(values), [value or 0 for value in values.values()], color=colours)
    labels = ["fails for ever" if value is None else f"{value:,.1f}" for value in values.values()]
    axes.bar_label(bars, labels=labels, fontsize=8, padding=3)
    axes.invert_yaxis()
    axes.set_title(title, fontsize=10)
    axes.tick_params(labelsize=8)
    axes.margins(x=0.15)
    axes.spines[["top", "right"]].set_visible(False)


def _panel(
    axes: Any,
    title: str,
    outcomes: dict[str, Outcome],
    counts: tuple[int, ...],
    what: tuple[str, str],
    key: str,
    factor: float,
) -> None:
    shown = {name: outcome for name, outcome in outcomes.items() if outcome.points}
    others = iter(_OTHERS)
    width = 0.8 / max(1, len(shown))
    for number, (name, outcome) in enumerate(shown.items()):
        colour = _FLOOR if name == "floor" else _OURS if name.startswith("mcpool") else next(others)
        values = [(outcome.best(n, key) or 0) * factor for n in counts]
        places = [index + number * width for index in range(len(counts))]
        bars = axes.bar(places, values, width, label=outcome.title, color=colour)
        axes.bar_label(bars, fmt="{:,.0f}", fontsize=7, padding=2)
    axes.set_title(title, fontsize=10)
    axes.set_xticks([index + 0.4 - width / 2 for index in range(len(counts))], [f"{n:,} {what[n > 1]}" for n in counts])
    axes.legend(fontsize=7, loc="upper center", bbox_to_anchor=(0.5, -0.09), ncols=3, frameon=False)
    axes.margins(y=0.12)
    axes.spines[["top", "right"]].set_visible(False)

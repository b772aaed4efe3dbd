"""The two comparisons as one picture."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from benchmarks.call_path import IN_FLIGHT, Outcome
from benchmarks.gateway import CLIENTS
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
    if not panels:
        return []
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot

    columns = 2
    figure, axes = pyplot.subplots(
        len(panels) // columns, columns, figsize=(13, 4 * len(panels) // columns), squeeze=False
    )
    for place, panel in zip(axes.flat, panels, strict=True):
        _panel(place, *panel)
    figure.tight_layout()
    paths = [folder / f"benchmarks.{kind}" for kind in ("png", "svg")]
    for path in paths:
        figure.savefig(path, dpi=120, metadata={"Date": None} if path.suffix == ".svg" else None)
    pyplot.close(figure)
    return paths


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

"""Servers starting, as the user watches it: a changing table on a terminal, elsewhere a line for each settled one."""

from __future__ import annotations

from typing import Any

from mcpool.cli.screen import Screen, state_style
from mcpool.cli.warm_up import Progress
from mcpool.cli.words import harmless


class ProgressView:
    """Shows each report it is given. Use it with `with`."""

    def __init__(self, screen: Screen) -> None:
        self._screen = screen
        self._latest: dict[str, Progress] = {}
        self._live: Any = None

    def __enter__(self) -> ProgressView:
        if self._screen.console is not None:
            from rich.live import Live

            self._live = Live(console=self._screen.console, get_renderable=self._table, refresh_per_second=10)
            self._live.__enter__()
        return self

    def __exit__(self, *exc: Any) -> None:
        if self._live is not None:
            self._live.__exit__(*exc)

    def report(self, progress: Progress) -> None:
        """Take in how far a server is."""
        self._latest[progress.server] = progress
        if self._live is None and progress.seconds is not None:
            self._screen.line("  ".join(text for text in _cells(progress) if text))

    def _table(self) -> Any:
        from rich.spinner import Spinner
        from rich.table import Table
        from rich.text import Text

        table = Table(box=None, pad_edge=False, show_header=False)
        for _ in range(4):
            table.add_column(overflow="fold")
        for progress in list(self._latest.values()):
            name, state, tools, time = _cells(progress)
            starting = progress.seconds is None
            shown = Spinner("dots", text=state) if starting else Text(state, style=state_style(state))
            table.add_row(Text(name, style="bold"), shown, Text(tools), Text(time, style="dim"))
        return table


def _cells(progress: Progress) -> tuple[str, str, str, str]:
    if progress.error is not None:
        detail = harmless(progress.error)
    elif progress.tools is None:
        detail = ""
    else:
        detail = "1 tool" if progress.tools == 1 else f"{progress.tools} tools"
    return progress.server, progress.state, detail, _time(progress.seconds)


def _time(seconds: float | None) -> str:
    if seconds is None:
        return ""
    return f"{seconds:.1f} s" if seconds >= 1 else f"{seconds * 1000:.0f} ms"

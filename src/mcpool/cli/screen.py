"""What the user reads: tables and styled lines on a terminal, plain text anywhere else."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import Any, TextIO

from mcpool.cli.words import harmless


class Screen:
    """Writes to one stream. On a terminal it uses rich."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self.stream = stream or sys.stdout
        self.console: Any = _console(self.stream)
        """rich's console, or None when the output is plain."""

    @property
    def width(self) -> int | None:
        """How many characters fit into a line; None where there is no terminal."""
        return None if self.console is None else int(self.console.width)

    def line(self, text: str = "", style: str = "") -> None:
        """One line. `style` is a rich style; plain output ignores it."""
        if self.console is None:
            self.stream.write(f"{harmless(text)}\n")
            self.stream.flush()
        else:
            self.console.print(harmless(text), style=style, markup=False, highlight=False, soft_wrap=True)

    def table(self, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """A table; a cell that begins with a known state is coloured by it."""
        if self.console is None:
            for row in _aligned([[column.upper() for column in columns], *rows]):
                self.line(row)
            return
        from rich.table import Table
        from rich.text import Text

        table = Table(box=None, pad_edge=False, header_style="bold")
        for index, column in enumerate(columns):
            table.add_column(column, no_wrap=index == 0, overflow="fold")
        for row in rows:
            table.add_row(*(Text(harmless(cell), style=state_style(cell)) for cell in row))
        self.console.print(table)


def state_style(text: str) -> str:
    """The colour of a backend's state; none for anything else."""
    colours = {
        "ready": "green",
        "failed": "red",
        "disconnected": "red",
        "auth_required": "yellow",
        "connecting": "yellow",
        "reconnecting": "yellow",
        "starting": "yellow",
        "idle": "dim",
        "stopped": "dim",
        "disabled": "dim",
    }
    return colours.get(text, "")


def _console(stream: TextIO) -> Any:
    if not stream.isatty() or os.environ.get("TERM") == "dumb":
        return None
    from rich.console import Console

    return Console(file=stream)


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]

"""Take the picture of the README anew: run the real commands on a pseudo-terminal and draw what they print.

    python docs/images/capture.py

Nothing is posed, but three things are edited: the throw-away home is shown as /home/you, most of what `mcpool up`
offers for pasting is left out, and so are the cursor movements.
"""

from __future__ import annotations

import io
import os
import pty
import re
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.text import Text

WIDTH = 100
PICTURE = Path(__file__).with_name("mcpool.svg")
EXAMPLE = Path(__file__).parents[1] / "examples" / "client_over_http.py"
CALL = """mcpool call demo counter '{"add": 1}'"""
FONT = "DejaVu Sans Mono, Menlo, Consolas"
_REMOTE_FONT = re.compile(r"\s*@font-face \{[^}]*\}")
_LAST_WORDS = b"Ctrl-C ends it"
_CONTROL = re.compile(r"\x1b\[\??[0-9;]*[A-KSTf-hl]")


class Terminal:
    """A command on a pseudo-terminal of its own."""

    def __init__(self, command: str, folder: Path, environ: dict[str, str]) -> None:
        self._end, theirs = pty.openpty()
        self.process = subprocess.Popen(
            command, shell=True, cwd=folder, env=environ, stdin=theirs, stdout=theirs, stderr=theirs, process_group=0
        )
        os.close(theirs)
        self.output = b""

    def read(self, until: bytes | None = None) -> str:
        """What it printed, up to the line with `until`, or to its end."""
        while until is None or until not in self.output:
            try:
                chunk = os.read(self._end, 65536)
            except OSError:  # the end, on Linux
                break
            if not chunk:
                break
            self.output += chunk
        if until is None and self.process.wait() != 0:
            raise SystemExit(f"a command failed:\n{self.output.decode()}")
        return self.output.decode()

    def interrupt(self) -> None:
        """Ctrl-C."""
        os.killpg(self.process.pid, signal.SIGINT)
        self.process.wait(30)


def shown(output: str) -> str:
    """The lines that stay on the screen: a line that was drawn over counts as it was last drawn."""
    lines: list[str] = []
    for line in output.replace("\r\n", "\n").split("\n"):
        erased = line.count("\x1b[1A")
        if erased:
            del lines[len(lines) - erased :]
        lines.append(_CONTROL.sub("", line).rsplit("\r", 1)[-1])
    return "\n".join(lines).strip("\n")


def main() -> None:
    with tempfile.TemporaryDirectory() as home:
        folder = Path(home, "project")
        folder.mkdir()
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
        environ = {"HOME": home, "PATH": path, "TERM": "xterm-256color", "COLUMNS": str(WIDTH), "LINES": "50"}
        up = Terminal("mcpool up", folder, environ)
        try:
            greeting = up.read(_LAST_WORDS)
            if _LAST_WORDS.decode() not in greeting:
                raise SystemExit(f"`mcpool up` did not start:\n{greeting}")
            by_url = f"python {EXAMPLE} http://127.0.0.1:8377/mcp {home}/.mcpool/tokens/default"
            first = Terminal(CALL, folder, environ).read()
            second = Terminal(by_url, folder, environ).read()
            status = Terminal("mcpool status", folder, environ).read()
        finally:
            up.interrupt()
    greeting = shown(greeting).partition("\x1b[1;36mCodex")[0].rstrip() + "\n\x1b[2m...\x1b[0m"
    parts = [
        ("$ mcpool up", greeting),
        (f"# one client, from another terminal\n$ {CALL}", shown(first)),
        ("# another client, over HTTP\n$ python client_over_http.py http://127.0.0.1:8377/mcp \\", ""),
        ("    ~/.mcpool/tokens/default", shown(second)),
        ("$ mcpool status", shown(status)),
    ]
    draw([(prompt, output.replace(home, "/home/you")) for prompt, output in parts])


def draw(parts: list[tuple[str, str]]) -> None:
    """Write the picture."""
    console = Console(record=True, width=WIDTH, file=io.StringIO(), force_terminal=True, color_system="truecolor")
    for number, (prompt, output) in enumerate(parts):
        if number and prompt[0] in "$#":
            console.print()
        for line in prompt.splitlines():
            console.print(Text(line, style="dim" if line.startswith("#") else "bold white"))
        if output:
            console.print(Text.from_ansi(output))
    svg = console.export_svg(title="mcpool", unique_id="mcpool", font_aspect_ratio=0.602)
    # A picture in a page may not fetch fonts, and not every program that draws it keeps spaces by itself.
    svg = _REMOTE_FONT.sub("", svg).replace("Fira Code", FONT).replace("<svg ", '<svg xml:space="preserve" ', 1)
    PICTURE.write_text(svg)
    sys.stdout.write(f"{PICTURE}\n")


if __name__ == "__main__":
    main()

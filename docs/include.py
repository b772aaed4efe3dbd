"""Copy the files that the documents show into them.

    python docs/include.py

A block that stands below `<!-- file: examples/NAME -->` is a copy of that file in docs/.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

DOCS = Path(__file__).parent
_SHOWN = re.compile(r"(<!-- file: (\S+) -->\n```\w+\n).*?(```\n)", re.DOTALL)


def with_files(document: str) -> str:
    """The document with the present contents of the files that it shows."""
    return _SHOWN.sub(lambda found: found[1] + (DOCS / found[2]).read_text() + found[3], document)


def main() -> None:
    for path in (DOCS.parent / "README.md", *sorted(DOCS.glob("*.md"))):
        before = path.read_text()
        after = with_files(before)
        if after != before:
            path.write_text(after)
            sys.stdout.write(f"{path}\n")


if __name__ == "__main__":
    main()

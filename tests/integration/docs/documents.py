"""What the documents contain: their code blocks and links, and what a block says that it prints."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).parents[3]
DOCS = REPOSITORY / "docs"
OURS = (
    REPOSITORY / "README.md",
    *(
        DOCS / f"{name}.md"
        for name in ("environments", "library", "gateway", "how-it-works", "operations", "plugins", "testing")
    ),
)
ALL = (REPOSITORY / "README.md", REPOSITORY / "CHANGELOG.md", *sorted(DOCS.glob("*.md")))

_FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_FILE = re.compile(r"<!-- file: (\S+) -->\n\Z")
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_PRINTS = re.compile(r"# -> (.*)$", re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """A fenced code block. `file` is what it is a copy of, relative to docs/."""

    document: Path
    line: int
    language: str
    text: str
    file: str | None

    def __str__(self) -> str:
        return f"{self.document.name}:{self.line}"

    @property
    def prints(self) -> list[str]:
        """The lines that it prints, by its comments `# -> ...`."""
        return _PRINTS.findall(self.text)


def blocks(language: str, documents: tuple[Path, ...] = OURS) -> list[Block]:
    """The blocks of one language."""
    return [block for path in documents for block in _blocks_of(path) if block.language == language]


def _blocks_of(path: Path) -> Iterator[Block]:
    text = path.read_text()
    for found in _FENCE.finditer(text):
        file = _FILE.search(text, 0, found.start())
        yield Block(path, text.count("\n", 0, found.start()) + 1, found[1], found[2], file[1] if file else None)


def links(path: Path) -> list[str]:
    """The files that a document links to."""
    targets = [target.partition("#")[0] for target in _LINK.findall(path.read_text())]
    return [target for target in targets if target and "://" not in target]


def matches(expected: str, printed: str) -> bool:
    """Whether `printed` is what `expected` says, in which `...` stands for anything and blanks for any blanks."""
    parts = [r"\s+".join(re.escape(word) for word in part.split()) for part in expected.split("...")]
    blank = [(part[:1].isspace(), part[-1:].isspace()) for part in expected.split("...")]
    pattern = ".*?".join(
        (r"\s*" if before else "") + part + (r"\s*" if after else "")
        for part, (before, after) in zip(parts, blank, strict=True)
    )
    return re.fullmatch(rf"\s*{pattern}\s*", printed, re.DOTALL) is not None

"""What the documents say is there is there."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest

from mcpool.config import load

from .documents import ALL, DOCS, OURS, Block, blocks, links, matches

ENVIRON = {"HOME": "/home/you"}


@pytest.mark.parametrize("document", ALL, ids=lambda path: path.name)
def test_every_linked_file_exists(document: Path):
    assert [link for link in links(document) if not (document.parent / link).exists()] == []


@pytest.mark.parametrize("block", [*blocks("toml", (*OURS, DOCS / "configuration.md")), *blocks("json")], ids=str)
def test_a_configuration_that_is_shown_has_no_mistakes(block: Block, tmp_path: Path):
    source = tomllib.loads(block.text) if block.language == "toml" else json.loads(block.text)
    config = load(source, home=tmp_path, environ=ENVIRON, secret=lambda name: f"secret of {name}")
    assert [str(problem) for problem in config.problems] == []
    assert config.servers or config.connectors


@pytest.mark.parametrize(
    ("expected", "printed", "verdict"),
    [
        ("one ... three", "one two three\n", True),
        ("one  two", "one two", True),
        ("...", "", True),
        ("one", "two", False),
        ("one", "one two", False),
        ("... one", "one two", False),
        ("ONE(1)", "ONE(2)", False),
    ],
)
def test_what_is_printed_is_compared_with_what_is_expected(expected: str, printed: str, verdict: bool):
    """Three dots stand for anything, blanks for any blanks."""
    assert matches(expected, printed) is verdict

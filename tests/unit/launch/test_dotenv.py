"""The `.env` parser."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcpool.launch.dotenv import parse_dotenv, read_dotenv


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("A=b", "b"),
        ("  export A = b  ", "b"),
        ("A=", ""),
        ("A=\n", ""),
        ("A=b c # comment", "b c"),
        ("A=b#c", "b#c"),
        ("A= # comment", ""),
        ("A='b # $c\\n'", "b # $c\\n"),
        ('A="b\\n\\"c\\" \\$d \\\\ \\x"', 'b\n"c" $d \\ \\x'),
        ('A="b\nc" # comment', "b\nc"),
        ("A='it' # 's", "it"),
        ("A=b\r\n", "b"),
        ("# A=a\n\nA=b", "b"),
        ("A=a\nA=b", "b"),
        ("A=b=c", "b=c"),
    ],
)
def test_value_is_read_as_the_common_tools_do(text: str, value: str) -> None:
    """Comments, `export`, both quotes."""
    found = parse_dotenv(text)

    assert found.variables == {"A": value}
    assert found.problems == ()


@pytest.mark.parametrize("line", ["nonsense", "1A=b", "=b", "A='b", 'A="b', "A='b' c"])
def test_line_that_is_not_understood_is_a_problem_and_spoils_no_other(line: str) -> None:
    """With file and line."""
    found = parse_dotenv(f"B=1\n{line}\n", "f")

    assert found.variables == {"B": "1"}
    assert [problem.split(": ")[0] for problem in found.problems] == ["f:2"]


@given(st.text())
def test_any_text_is_parsed(text: str) -> None:
    """Never raises, never hangs."""
    parse_dotenv(text)


@given(st.text().filter(lambda value: "'" not in value))
def test_single_quotes_keep_any_value(value: str) -> None:
    """Literally."""
    assert parse_dotenv(f"A='{value}'").variables == {"A": value}


def test_missing_file_holds_nothing(tmp_path: Path) -> None:
    """It need not exist."""
    found = read_dotenv(tmp_path / ".env")

    assert (found.variables, found.problems) == ({}, ())


def test_file_that_cannot_be_read_is_a_problem(tmp_path: Path) -> None:
    """Not an exception."""
    (tmp_path / ".env").write_bytes(b"A=\xff")

    found = read_dotenv(tmp_path / ".env")

    assert found.variables == {}
    assert len(found.problems) == 1


def test_values_are_not_printed(tmp_path: Path) -> None:
    """They are secrets more often than not."""
    assert "hush" not in repr(parse_dotenv("A=hush"))

"""Reading `.env` files: `NAME=value` lines, as the common tools write them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

_NAME = re.compile(r"\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_.-]*)\s*=[ \t]*")
_BLANK = re.compile(r"[ \t\r]*(?:#[^\n]*)?(?:\n|\Z)")
_SINGLE = re.compile(r"'([^']*)'")
_DOUBLE = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_PLAIN = re.compile(r"[^\n]*")
_COMMENT = re.compile(r"(?:^|\s)#.*")
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_ESCAPED = {"n": "\n", "r": "\r", "t": "\t"}


@dataclass(frozen=True, slots=True)
class Dotenv:
    """What a file says, and which of its lines could not be understood."""

    variables: dict[str, str] = field(default_factory=dict[str, str], repr=False)
    problems: tuple[str, ...] = ()


def read_dotenv(path: Path) -> Dotenv:
    """The variables of a file; none if it does not exist. One that can't be read is a problem, not an exception."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        return Dotenv()
    except (OSError, UnicodeDecodeError) as error:
        return Dotenv(problems=(f"{path}: cannot be read: {error}; its variables are missing",))
    return parse_dotenv(text, str(path))


def parse_dotenv(text: str, file: str = ".env") -> Dotenv:
    """Comments, blank lines and `export` are allowed; the last of equal names wins.

    Values are taken literally in single quotes and with `\\n`, `\\r`, `\\t`, `\\"`, `\\\\`, `\\$` in double ones, over
    several lines if need be; without quotes they end before ` #`. Variables inside of values are not replaced.
    """
    variables: dict[str, str] = {}
    problems: list[str] = []
    at = 0
    while at < len(text):
        if (blank := _BLANK.match(text, at)) is not None:
            at = blank.end()
            continue
        line = text.count("\n", 0, at) + 1
        name = _NAME.match(text, at)
        value, after = (None, at) if name is None else _value(text, name.end())
        if name is None or value is None:
            wanted = "NAME=value" if name is None else "the closing quote, and nothing after it but a comment"
            problems.append(f"{file}:{line}: not understood, left out; expected {wanted}")
            at = text.find("\n", at) + 1 or len(text)
            continue
        variables[name.group(1)] = value
        at = after
    return Dotenv(variables, tuple(problems))


def _value(text: str, at: int) -> tuple[str | None, int]:
    quote = text[at : at + 1]
    if quote not in ("'", '"') or not quote:
        plain = _PLAIN.match(text, at)
        end = plain.end() if plain is not None else at
        return _COMMENT.sub("", text[at:end], count=1).strip(), end + 1
    quoted = (_SINGLE if quote == "'" else _DOUBLE).match(text, at)
    if quoted is None or (rest := _BLANK.match(text, quoted.end())) is None:
        return None, at
    inner = quoted.group(1)
    if quote == '"':
        inner = _ESCAPE.sub(lambda found: _ESCAPED.get(found.group(1), _unescaped(found.group(1))), inner)
    return inner, rest.end()


def _unescaped(character: str) -> str:
    return character if character in '"\\$`' else f"\\{character}"

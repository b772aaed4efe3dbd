"""Finding secrets that are written out in a configuration, by their names and by their looks."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from mcpool.config.problem import KeyPath
from mcpool.config.table import Table, as_list, as_table

_SECRET_NAME = re.compile(
    r"(?:^|[_-])(?:pat|pwd|auth|authorization|cookie|credentials?|bearer)$|token|secret|passw(?:or)?d|passphrase"
    r"|api[_-]?key|access[_-]?key|private[_-]?key|signing[_-]?key|encryption[_-]?key",
    re.IGNORECASE,
)
_KNOWN_LOOK = re.compile(
    r"(?:gh[pousr]_|github_pat_|glpat-|sk-|sk_live_|sk_test_|rk_live_|xox[abposr]-|xapp-|AKIA|ASIA|AIza|ya29\."
    r"|hf_|npm_|pypi-|SG\.|lin_api_|ntn_|secret_|figd_|tvly-|dop_v1_|shpat_|sq0|pplx-|gsk_|r8_|fc-|eyJ[\w-]+\.eyJ)"
    r"[\w.+/=-]{12,}"
)
_OPAQUE = re.compile(r"[A-Za-z0-9_+=-]{24,}")
_SCHEME = re.compile(r"(?:bearer|basic|token)\s+", re.IGNORECASE)
_NO_SECRET = re.compile(
    r"(?:[~./\\].*|[a-z]:\\.*|true|false|yes|no|none|null|\d{1,5}|<.*>|\*+|x{3,}|\.{3}|your[_ -].*)?", re.IGNORECASE
)
_FLAG = re.compile(r"(--?[A-Za-z][\w-]*)(?:=(.*))?", re.DOTALL)
_ASSIGNMENT = re.compile(r"([A-Za-z_]\w*)=(.*)", re.DOTALL)
_HEADER_ARGUMENT = re.compile(r"([A-Za-z][\w-]*):\s*(.+)", re.DOTALL)
_URL_SECRET = re.compile(r"(?<=[?&])([\w.-]+)=([^&#]+)|(?<=://)([^/@:]*):([^/@]+)(?=@)")
_RANDOM_BITS = 3.5
"""Bits per character above which a long opaque word is taken for a secret: English is below, hexadecimal above."""


@dataclass(frozen=True, slots=True)
class LiteralSecret:
    """A secret in a server's table: `before` and `after` are the text around it at `path`; `name` its keyring name."""

    path: KeyPath
    name: str
    before: str
    value: str = field(repr=False)
    after: str

    @property
    def reference(self) -> str:
        """What to write in its place."""
        return f"{self.before}${{keyring:{self.name}}}{self.after}"


def find_literal_secrets(server: str, table: Table) -> tuple[LiteralSecret, ...]:
    """The secrets in a server's variables, headers, OAuth client, arguments and URL. References (`${...}`) are none."""
    found = (
        *_in_pairs(server, table, "env"),
        *_in_pairs(server, table, "http_headers"),
        *_in_pairs(server, table, "oauth"),
        *_in_args(server, as_list(table.get("args")) or []),
        *_in_url(server, table.get("url")),
    )
    return tuple(_named_apart(found))


def _named_apart(found: tuple[LiteralSecret, ...]) -> Iterator[LiteralSecret]:
    """Different secrets under different names, which hold nothing that would end a reference early."""
    values: dict[str, str] = {}
    for secret in found:
        base = re.sub(r"[{}\s]", "_", secret.name)
        names = (base if number == 1 else f"{base}-{number}" for number in range(1, len(found) + 1))
        name = next(name for name in names if values.get(name, secret.value) == secret.value)
        values[name] = secret.value
        yield replace(secret, name=name)


def _in_pairs(server: str, table: Table, key: str) -> Iterator[LiteralSecret]:
    for name, value in (as_table(table.get(key)) or {}).items():
        if isinstance(value, str):
            yield from _judge((key, name), f"{server}/{name}", name, "", value)


def _in_args(server: str, args: list[object]) -> Iterator[LiteralSecret]:
    flag = ""
    for index, arg in enumerate(args):
        if not isinstance(arg, str):
            continue
        path = ("args", index)
        match = _FLAG.fullmatch(arg)
        if match and match[2] is None:
            flag = match[1].lstrip("-")
            continue
        if match:
            name = match[1].lstrip("-")
            yield from _judge(path, f"{server}/{name}", name, f"{match[1]}=", match[2])
        elif header := _HEADER_ARGUMENT.fullmatch(arg) if flag.lower() in ("header", "h") else None:
            yield from _judge(path, f"{server}/{header[1]}", header[1], arg[: header.start(2)], header[2])
        elif assignment := _ASSIGNMENT.fullmatch(arg):
            name = assignment[1]
            yield from _judge(path, f"{server}/{name}", name, f"{name}=", assignment[2])
        elif "://" in arg:
            yield from _in_text_url(path, server, arg)
        else:
            yield from _judge(path, f"{server}/{flag or f'argument-{index}'}", flag, "", arg)
        flag = ""


def _in_url(server: str, url: object) -> Iterator[LiteralSecret]:
    if isinstance(url, str):
        yield from _in_text_url(("url",), server, url)


def _in_text_url(path: KeyPath, server: str, url: str) -> Iterator[LiteralSecret]:
    # One at most, so that two secrets never claim overlapping text.
    for match in _URL_SECRET.finditer(url):
        group = 2 if match[2] is not None else 4
        name = match[1] if group == 2 else "password"
        found = list(
            _judge(path, f"{server}/{name}", name, url[: match.start(group)], match[group], url[match.end(group) :])
        )
        if found:
            yield from found
            return


def _judge(
    path: KeyPath, stored_as: str, name: str, before: str, value: str, after: str = ""
) -> Iterator[LiteralSecret]:
    scheme = _SCHEME.match(value)
    if scheme:
        before, value = before + scheme.group(), value[scheme.end() :]
    if "${" in value or _NO_SECRET.fullmatch(value.strip()):
        return
    if _SECRET_NAME.search(name) or _KNOWN_LOOK.match(value) or _looks_random(value):
        yield LiteralSecret(path, stored_as, before, value, after)


def _looks_random(value: str) -> bool:
    if not _OPAQUE.fullmatch(value) or not (any(c.isdigit() for c in value) and any(c.isalpha() for c in value)):
        return False
    if (
        "-" in value and max(len(part) for part in value.split("-")) < 20
    ):  # words with hyphens: a package, a model, an id
        return False
    counts = Counter(value).values()
    bits = -sum(count / len(value) * math.log2(count / len(value)) for count in counts)
    return bits > _RANDOM_BITS

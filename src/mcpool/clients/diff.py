"""A change of a client's file, to be looked at before it is made."""

from __future__ import annotations

import json
from collections.abc import Iterable
from difflib import unified_diff

from mcpool.config.literal_secrets import find_literal_secrets
from mcpool.config.table import Table, as_table

HIDDEN = "***"


def shown_diff(name: str, before: str, after: str, secrets: Iterable[str]) -> list[str]:
    """The lines of a unified diff, with secrets left out."""
    lines = unified_diff(_lines(before), _lines(after), name, f"{name} (with the change)", lineterm="")
    words = sorted({form for secret in secrets if secret for form in _forms(secret)}, key=len, reverse=True)
    return [_without(line, words) for line in lines]


def secrets_in(data: Table) -> list[str]:
    """What looks like a secret in any table of a client's file."""
    found: list[str] = []
    tables = [data]
    while tables:
        table = tables.pop()
        ours = {**table, **{key: table[other] for other, key in _SAME.items() if other in table}}
        found += [secret.value for secret in find_literal_secrets("", ours)]
        tables += [inner for value in table.values() if (inner := as_table(value)) is not None]
    return found


_SAME = {"environment": "env", "headers": "http_headers"}
"""What other clients call keys of ours that may hold a secret."""


def _lines(text: str) -> list[str]:
    return text.removeprefix("\ufeff").splitlines()


def _forms(secret: str) -> tuple[str, str]:
    return secret, json.dumps(secret, ensure_ascii=False)[1:-1]


def _without(line: str, words: list[str]) -> str:
    for word in words:
        line = line.replace(word, HIDDEN)
    return line

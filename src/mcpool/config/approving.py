"""Writing into the text of our file that a tool is approved. Whatever else is there stays as it is."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, cast

from mcpool.config.keys import KEYS
from mcpool.config.locate_toml import locate_toml
from mcpool.config.problem import KeyPath, dotted
from mcpool.config.table import Table, as_table
from mcpool.errors import ConfigError

_SERVERS = "mcp_servers"
_CORRECT = "correct it first (`mcpool config check` shows where)"
_MODE, _DEFINITION = "approval_mode", "approved_definition"
_CONNECTION = frozenset(key.name.partition(".")[0] for key in KEYS if key.part != "server") | {"environment_id"}


def connection_of(server: Table) -> Table:
    """What a server's table says of how it is reached, as it is written: equal ones are the same server."""
    return {key: value for key, value in server.items() if key in _CONNECTION}


def with_approval(text: str, server: str, tool: str, digest: str, *, connection: Table) -> str:
    """The text with `approval_mode = "approve"` for a tool as it is defined now.

    `connection` is that of the server that it was approved for. `digest` is the SHA-256 of the tool's definition, in
    hex. Comments, order and spacing stay.

    Raises:
        ConfigError: `text` is not valid TOML, does not describe that server (any more), or is written so that nothing
            can be added.
    """
    before = _parsed(text)
    if connection_of(_inner(_inner(before, _SERVERS), server)) != connection:
        msg = f"config.toml: `{server}` is described differently by now; `mcpool apply` takes it over"
        raise ConfigError([msg])
    wanted = {_MODE: "approve", _DEFINITION: f"sha256:{digest}"}
    edit = _Edit(text.removeprefix("\ufeff"), server, tool, wanted)
    expected = _expected(before, edit)
    if expected == before:
        return text
    for candidate in edit.candidates():
        if _is_data(candidate, expected) and edit.keeps_the_rest(candidate):
            return text[: len(text) - len(edit.text)] + candidate
    msg = f"config.toml: `{dotted(edit.path)}` cannot be added to what is there; write it as [{dotted(edit.path)}]"
    raise ConfigError([msg])


@dataclass(frozen=True, slots=True)
class _Edit:
    """The text, and what shall stand in it. Ways to write it that fit are found by trying them."""

    text: str
    server: str
    tool: str
    wanted: dict[str, str]

    @property
    def path(self) -> KeyPath:
        return (_SERVERS, self.server, "tools", self.tool)

    def candidates(self) -> Iterator[str]:
        """The text in different ways of writing it, the one that disturbs least first."""
        places = locate_toml(self.text)
        missing = [key for key in self.wanted if (*self.path, key) not in places]
        if self.path not in places:
            yield self._appended()
        else:
            present = [key for key in self.wanted if key not in missing]
            text = self._set(present) if present else self.text
            if not missing:
                yield text
            # Beside the other key, or just below the table's own header.
            below = places.get((*self.path, _MODE), places[self.path])
            yield from self._inserted(text, below, missing)
        yield self._set(list(self.wanted))

    def keeps_the_rest(self, candidate: str) -> bool:
        """Whether only lines of the tool itself were touched, and all others are in their old order."""
        before, after = self.text.split("\n"), candidate.split("\n")
        head = 0
        while head < min(len(before), len(after)) and before[head] == after[head]:
            head += 1
        tail = 0
        while tail < min(len(before), len(after)) - head and before[-1 - tail] == after[-1 - tail]:
            tail += 1
        changed = range(head + 1, len(before) - tail + 1)
        own = [line for place, line in locate_toml(self.text).items() if place[: len(self.path)] == self.path]
        # A table within one line of its parents is written by changing that line.
        return len(changed) <= 1 or (bool(own) and min(own) <= changed[0] and changed[-1] <= max(own))

    def _appended(self) -> str:
        """With a table of its own at the end, where it comes between nothing."""
        lines = ["", f"[{dotted(self.path)}]", *self._pairs("", list(self.wanted))]
        start = self.text if not self.text or self.text.endswith("\n") else self.text + self._newline
        return start + "".join(line + self._newline for line in lines)

    def _inserted(self, text: str, below: int, keys: list[str]) -> Iterator[str]:
        """With pairs below a line. How much of the path their keys repeat depends on the header above them."""
        if not text:
            return
        lines = text.split("\n")
        head, rest = "\n".join(lines[:below]), "\n".join(lines[below:])
        head += "\n" if below < len(lines) else self._newline
        indent = lines[below - 1][: len(lines[below - 1]) - len(lines[below - 1].lstrip(" \t"))]
        for start in range(len(self.path), -1, -1):
            prefix = indent + "".join(f"{dotted((part,))}." for part in self.path[start:])
            yield head + "".join(line + self._newline for line in self._pairs(prefix, keys)) + rest

    def _set(self, keys: list[str]) -> str:
        """With the keys set in the tables that are there, as they are written there; "" if that cannot be done."""
        import tomlkit
        from tomlkit.exceptions import TOMLKitError

        try:
            document: Any = tomlkit.parse(self.text)
            table: Any = document
            for part in self.path:
                if part not in table:
                    table[part] = tomlkit.inline_table()
                table = table[part]
            for key in keys:
                table[key] = self.wanted[key]
            return str(tomlkit.dumps(document))
        except TOMLKitError:
            return ""

    def _pairs(self, prefix: str, keys: list[str]) -> list[str]:
        return [f'{prefix}{key} = "{self.wanted[key]}"' for key in keys]

    @property
    def _newline(self) -> str:
        return "\r\n" if "\r\n" in self.text else "\n"


def _expected(before: Table, edit: _Edit) -> Table:
    """The data of the file afterwards."""
    servers = _inner(before, _SERVERS)
    server = _inner(servers, edit.server)
    tools = _inner(server, "tools")
    known = _inner(tools, edit.tool)
    for key in edit.wanted:
        if not isinstance(known.get(key, ""), str):
            raise ConfigError([f"config.toml: `{key}` of `{edit.tool}` must be text; {_CORRECT}"])
    tool = {**known, **edit.wanted}
    return {**before, _SERVERS: {**servers, edit.server: {**server, "tools": {**tools, edit.tool: tool}}}}


def _inner(table: Table, key: str) -> Table:
    found = as_table(table.get(key, {}))
    if found is None:
        raise ConfigError([f"config.toml: `{key}` must be a table; {_CORRECT}"])
    return found


def _parsed(text: str) -> Table:
    try:
        return tomllib.loads(text.removeprefix("\ufeff"))
    except (ValueError, RecursionError) as error:
        raise ConfigError([f"config.toml: is not valid TOML: {error}; {_CORRECT}"]) from error


def _is_data(text: str, expected: Table) -> bool:
    try:
        return cast("Table", tomllib.loads(text)) == expected
    except (ValueError, RecursionError):
        return False

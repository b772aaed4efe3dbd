"""`search`: finds text in the files beneath the server's working folder, and never reads anything outside of it."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Iterator, Mapping
from typing import NamedTuple, cast

from mcpool.demo.tool import Call, Json, Tool, ToolError

_DEFINITION: Json = {
    "name": "search",
    "title": "Search text",
    "description": (
        "Find lines that contain a text in the files of a folder and everything beneath it. Takes the text literally "
        "(no patterns). Skips hidden and binary files, files over 1 MiB, installed packages, symbolic links and "
        "mcpool's own folder. Searches only beneath the server's working folder."
    ),
    "inputSchema": {
        "type": "object",
        "properties": {
            "text": {"type": "string", "description": "The text to find", "minLength": 1, "maxLength": 1000},
            "folder": {
                "type": "string",
                "description": "Where to search, relative to the working folder",
                "default": ".",
                "maxLength": 4096,
            },
            "ignore_case": {"type": "boolean", "description": "Find other cases too", "default": True},
            "limit": {
                "type": "integer",
                "description": "The most matches to return",
                "default": 50,
                "minimum": 1,
                "maximum": 500,
            },
        },
        "required": ["text"],
        "additionalProperties": False,
    },
    "outputSchema": {
        "type": "object",
        "properties": {
            "matches": {
                "type": "array",
                "items": {
                    "type": "object",
                    "properties": {
                        "file": {"type": "string", "description": "Relative to the working folder"},
                        "line": {"type": "integer"},
                        "text": {"type": "string", "description": "The line, cut to 200 characters"},
                    },
                    "required": ["file", "line", "text"],
                },
            },
            "files": {"type": "integer", "description": "How many files were searched"},
            "complete": {"type": "boolean", "description": "False if a limit ended the search early"},
        },
        "required": ["matches", "files", "complete"],
    },
    "annotations": {"title": "Search text", "readOnlyHint": True, "openWorldHint": False},
}

_MAX_ENTRIES = 50_000
_MAX_SECONDS = 10
_MAX_FILE_BYTES = 1024 * 1024
_MAX_LINE = 200
_REPORT_EVERY = 200
_INSTALLED = frozenset({"__pycache__", "node_modules", "site-packages"})
_HOME = frozenset({"hosts", "id", "logs"})
"""What every home of mcpool holds, beside its tokens and the key."""


class _Query(NamedTuple):
    text: str
    ignore_case: bool
    limit: int


def search(base: str) -> Tool:
    """The tool, confined to the folder `base`."""
    root = os.path.realpath(base)

    def run(arguments: Mapping[str, object], call: Call) -> Json:
        folder = _beneath(root, str(arguments["folder"]))
        query = _Query(
            text=str(arguments["text"]),
            ignore_case=bool(arguments["ignore_case"]),
            limit=cast("int", arguments["limit"]),
        )
        return _search(root, folder, query, call)

    return Tool(_DEFINITION, run, takes_time=True)


def _beneath(root: str, folder: str) -> str:
    """The real path of `folder`, which may be relative to `root`, and must be in it."""
    try:
        path = os.path.realpath(os.path.join(root, folder))
    except ValueError:
        msg = f"{folder!r} is no path"
        raise ToolError(msg) from None
    if os.path.commonpath([root, path]) != root:
        msg = f"{folder!r} is outside of the working folder {root!r}"
        raise ToolError(msg)
    if any(_is_skipped(part) for part in os.path.relpath(path, root).split(os.sep) if part != os.curdir):
        msg = f"{folder!r} is hidden, or holds installed packages: it is not searched"
        raise ToolError(msg)
    if _is_in_home(path):
        msg = f"{path!r} is mcpool's own folder, which holds its secrets: run `mcpool up` in a folder to be searched"
        raise ToolError(msg)
    if not os.path.isdir(path):
        msg = f"no folder {folder!r} in {root!r}"
        raise ToolError(msg)
    return path


def _search(root: str, folder: str, query: _Query, call: Call) -> Json:
    matches: list[Json] = []
    files = 0
    end = time.monotonic() + _MAX_SECONDS
    for seen, path in enumerate(_walk(folder), 1):
        call.check()
        if path is not None:
            files += 1
            matches += _matches(path, os.path.relpath(path, root), query)
        if len(matches) > query.limit or seen > _MAX_ENTRIES or time.monotonic() > end:
            return {"matches": matches[: query.limit], "files": files, "complete": False}
        if seen % _REPORT_EVERY == 0:
            call.progress(seen, None, f"{files} files, {len(matches)} matches")
    return {"matches": matches, "files": files, "complete": True}


def _walk(folder: str) -> Iterator[str | None]:
    """The regular files beneath `folder` in a stable order; None for each other entry, so that those count too."""
    pending = [folder]
    while pending:
        try:
            with os.scandir(pending.pop()) as entries:
                listed = sorted(entries, key=lambda entry: entry.name)
        except OSError:
            continue
        if {entry.name for entry in listed} >= _HOME:
            continue
        pending += [e.path for e in reversed(listed) if not _is_skipped(e.name) and e.is_dir(follow_symlinks=False)]
        for entry in listed:
            yield entry.path if not _is_skipped(entry.name) and entry.is_file(follow_symlinks=False) else None


def _is_skipped(name: str) -> bool:
    return name.startswith(".") or name in _INSTALLED


def _is_in_home(path: str) -> bool:
    """Whether a folder is a home of mcpool, or in one. Its clients are not to read each other's tokens."""
    while True:
        if all(os.path.exists(os.path.join(path, name)) for name in _HOME):
            return True
        path, former = os.path.dirname(path), path
        if path == former:
            return False


def _matches(path: str, name: str, query: _Query) -> Iterator[Json]:
    def folded(text: str) -> str:
        return text.casefold() if query.ignore_case else text

    needle, text = folded(query.text), _text(path)
    if needle not in folded(text):
        return
    for number, line in enumerate(text.splitlines(), 1):
        if needle in folded(line):
            yield {"file": name, "line": number, "text": line[:_MAX_LINE]}


def _text(path: str) -> str:
    """The file's text; empty if it is binary, too large, or not to be read (any more)."""
    try:
        # The flags: what was a file when listed may have become a link or a pipe since.
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return ""
    try:
        is_file = stat.S_ISREG(os.fstat(descriptor).st_mode)
        data = os.read(descriptor, _MAX_FILE_BYTES + 1) if is_file else b""
    except OSError:
        return ""
    finally:
        os.close(descriptor)
    if len(data) > _MAX_FILE_BYTES or b"\0" in data:
        return ""
    return data.decode("utf-8", "replace")

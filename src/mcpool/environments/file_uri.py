"""Absolute paths as `file:` URIs (RFC 8089), and back. Only paths of POSIX systems, but for those that are shown."""

from __future__ import annotations

import errno
import re
from urllib.parse import quote, unquote_to_bytes


def to_uri(path: str) -> str:
    """The URI of a path. Raises: OSError with `EINVAL`, if it is not absolute."""
    if not path.startswith("/") or "\0" in path:
        raise OSError(errno.EINVAL, "not an absolute path", path)
    return "file://" + quote(path.encode(errors="surrogateescape"), safe="/~@!$&'()*+,;=:")


def to_path(uri: str) -> str:
    """The path of a URI. Raises: ValueError, if it is none of this kind of system."""
    scheme, _, rest = uri.partition("://")
    host, slash, rest = rest.partition("/")
    path = slash + unquote_to_bytes(rest).decode(errors="surrogateescape")
    if scheme.lower() != "file" or host not in ("", "localhost") or not slash or "\0" in path:
        raise ValueError(f"{uri!r} is no file: URI of an absolute path")
    return path


def native(uri: str) -> str | None:
    """The path of a URI as the system writes it that has it, Windows included: to be shown. None: it has none."""
    host = uri.removeprefix("file://").partition("/")[0]
    shared = uri.startswith("file://") and host not in ("", "localhost")
    try:
        path = to_path(f"file:///{uri.removeprefix('file://')}" if shared else uri)
    except ValueError:
        return None
    if shared:
        return "\\" + path.replace("/", "\\")
    return path[1:].replace("/", "\\") if re.match("/[A-Za-z]:(/|$)", path) else path

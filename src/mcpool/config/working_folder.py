"""Whether what a server does depends on the folder that it is started in."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import PurePosixPath

_SCRIPT = re.compile(
    r"[^/\s]*\.(?:py|pyw|js|cjs|mjs|ts|mts|tsx|sh|bash|rb|php|pl|lua|jar|json|ya?ml|toml|env|db|sqlite3?)"
)
_FLAG = re.compile(r"--?[\w-]+=")
_CONTAINERS = ("docker", "podman", "nerdctl", "container")


def has_relative_path(command: str, args: Sequence[str]) -> bool:
    """Whether the command or an argument is a path that means another file in another folder.

    In doubt it says yes: following the caller's folder needlessly costs a process, a wrong folder costs data.
    """
    if "/" in command and not command.startswith(("/", "~", "$")):
        return True
    in_container = PurePosixPath(command).name in _CONTAINERS
    return any(_is_relative_path(_FLAG.sub("", arg, count=1), in_container=in_container) for arg in args)


def _is_relative_path(arg: str, *, in_container: bool) -> bool:
    if arg in (".", "..") or arg.startswith(("./", "../")) or "=./" in arg or "=../" in arg:
        return True
    if arg.startswith(("/", "~", "$", "@", "-")) or "://" in arg or re.match(r"[\w+.-]+:", arg):
        return ":./" in arg
    if in_container:  # what has a slash there is the name of an image
        return False
    return "/" in arg or _SCRIPT.fullmatch(arg) is not None

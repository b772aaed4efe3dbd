"""Finding the program that a command names, and saying plainly why a program could not be started."""

from __future__ import annotations

import errno
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

_SHOWN: Final = 8
"""Folders of a PATH that a message names."""


def find_command(command: str, path: str | None, cwd: str) -> str | None:
    """The absolute path of the program that `command` names, None if there is none that can be executed.

    A name with a slash is taken from `cwd`; any other is looked for in the folders of `path` (as `PATH` is written;
    relative ones are taken from `cwd`).
    """
    if not command:
        return None
    if "/" in command:
        found = os.path.normpath(os.path.join(cwd, command))
        return found if _is_program(found) else None
    for folder in (path or os.defpath).split(os.pathsep):
        found = os.path.normpath(os.path.join(cwd, folder, command))
        if _is_program(found):
            return found
    return None


def why_not_startable(argv: Sequence[str], path: str | None, cwd: str) -> str | None:
    """What stands in the way of starting `argv` in `cwd`, with what to do; None if nothing can be seen."""
    command = argv[0] if argv else ""
    if not command:
        return "its command is empty; set `command` to the program that starts the server"
    if not os.path.isdir(cwd):
        return f"its working folder {cwd} does not exist; create it or set another `cwd`"
    if "/" not in command:
        return (
            f"the command `{command}` was not found on the PATH ({_folders(path or os.defpath)}); install it, give its"
            " full path as `command`, or put its folder on the PATH of your login shell or of this server's `env`"
        )
    program = os.path.join(cwd, command)
    if not os.path.exists(program):
        return f"the program {program} does not exist; install it or correct `command`"
    if os.path.isdir(program):
        return f"{program} is a folder, not a program; correct `command`"
    if not os.access(program, os.X_OK):
        return f"the file {program} is not executable; `chmod +x` it, or name its interpreter as `command`"
    return None


def why_start_failed(error: OSError, program: str) -> str:
    """What went wrong when the system refused to start `program`, with what to do."""
    if error.errno == errno.ENOEXEC:
        return (
            f"{program} is in no format that this system can run (a script without a `#!` line, or a program of another"
            " kind of machine); name its interpreter as `command`"
        )
    if error.errno == errno.ENOENT and (interpreter := _interpreter(program)):
        return f"{program} needs the interpreter {interpreter}, which does not exist; install it or correct `command`"
    if error.errno in (errno.EMFILE, errno.ENFILE):
        return f"{program} could not be started: {error.strerror}; raise the limit of open files (`ulimit -n`)"
    return f"{program} could not be started: {error.strerror or error}"


def _folders(path: str) -> str:
    """The folders of a `PATH`, each once; of a long one the first, since nobody reads more."""
    folders = list(dict.fromkeys(folder for folder in path.split(os.pathsep) if folder))
    shown = os.pathsep.join(folders[:_SHOWN])
    return shown if len(folders) <= _SHOWN else f"{shown} and {len(folders) - _SHOWN} more"


def _is_program(path: str) -> bool:
    return os.path.isfile(path) and os.access(path, os.X_OK)


def _interpreter(program: str) -> str | None:
    try:
        with Path(program).open("rb") as file:
            first = file.readline(256)
    except OSError:
        return None
    if not first.startswith(b"#!"):
        return None
    words = first[2:].split()
    return words[0].decode(errors="replace") if words else None

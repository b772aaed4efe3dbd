"""The administrator's file: what it says, and what counts where it cannot be read."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from mcpool.config import Config, load
from mcpool.config.document import read_document
from mcpool.config.expand import Secret
from mcpool.config.problem import Problem
from mcpool.config.requirements import Requirements


def read_managed(file: Path, *, home: Path, environ: Mapping[str, str], secret: Secret) -> Config:
    """What it says; nothing, if there is none. Blocks.

    If it cannot be read, nobody knows what may run, and nothing is allowed.
    """
    if _absent(file):
        return Config()
    document = read_document(file)
    if isinstance(document, Problem):
        return Config(problems=(document,), path=file, requirements=Requirements((), str(file)))
    return load(document, home=home, environ=environ, secret=secret)


def unreadable(managed: Config) -> bool:
    """Whether `read_managed` could make nothing of the file."""
    return any(problem.severity == "error" and not problem.key for problem in managed.problems)


def _absent(file: Path) -> bool:
    try:
        file.stat()  # `exists` says no, in newer versions of Python, of all that it cannot look at
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        pass  # a folder that may not be entered: it may well be there
    return False

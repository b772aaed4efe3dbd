"""The configuration of the project that a folder belongs to."""

from __future__ import annotations

from pathlib import Path

FOLDER = ".mcpool"
FILE = "config.toml"


def project_file(cwd: Path, home: Path) -> Path | None:
    """`.mcpool/config.toml` of this folder or of the nearest one around it; None if there is none.

    mcpool's own home is no project, though it may be called just so.
    """
    for folder in (cwd, *cwd.parents):
        candidate = folder / FOLDER / FILE
        if candidate.is_file() and not _same(candidate.parent, home):
            return candidate
    return None


def _same(a: Path, b: Path) -> bool:
    try:
        return a.samefile(b)
    except OSError:
        return False

"""Paths that must not leave a folder. Pure: what links lead to is for whoever reads to look at."""

from __future__ import annotations

from pathlib import PurePosixPath


def beneath(root: str, relative: str) -> str | None:
    """The path of something in `root`; None if it is absolute, leads out of it, or is no path."""
    path = PurePosixPath(relative)
    if path.is_absolute() or ".." in path.parts or not is_path(relative):
        return None
    return str(PurePosixPath(root) / path)


def is_path(text: str) -> bool:
    """Whether a system can have it as a path, and a message can carry it: JSON can write what is neither."""
    return "\x00" not in text and not any("\ud800" <= char <= "\udfff" for char in text)


def is_beneath(root: str, path: str) -> bool:
    """Whether one absolute path, in which there are no links, is the other or lies in it."""
    return PurePosixPath(path).is_relative_to(root)

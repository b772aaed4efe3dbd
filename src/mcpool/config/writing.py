"""Our file as text: read exactly, and replaced whole or not at all."""

from __future__ import annotations

import fcntl
import os
import stat
import tempfile
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path

from mcpool.errors import ConfigError

LOCK_WAIT = 5.0
"""Seconds that an edit waits for another one."""
_POLL = 0.01
_MEANWHILE = "{}: was changed by somebody else at the same moment; nothing was written to it: try again"


def read_config(path: Path) -> str:
    """The exact text of the file, its line ends included; "" if there is none.

    Raises:
        ConfigError: it can't be read, or is not UTF-8.
    """
    try:
        return path.read_bytes().decode()
    except FileNotFoundError:
        return ""
    except UnicodeDecodeError as error:
        msg = f"{path}: is not valid UTF-8; save it as UTF-8"
        raise ConfigError([msg]) from error
    except OSError as error:
        msg = f"{path}: could not be read: {error.strerror or error}; check its permissions"
        raise ConfigError([msg]) from error


def write_config(path: Path, text: str) -> Path | None:
    """Write the file with mode 0600, atomically; what it held before goes to `NAME.bak`, which is returned.

    A symbolic link is followed, so that a file kept elsewhere stays there.

    Raises:
        ConfigError: the folder or file can't be written. Nothing has then changed.
    """
    try:
        target = path.resolve()
        backup = _replace(target.with_name(f"{target.name}.bak"), target.read_bytes()) if target.exists() else None
        _replace(target, text.encode())
    except (OSError, RuntimeError) as error:
        msg = f"{path}: could not be written: {error}; check the permissions of the folder and the space on the disk"
        raise ConfigError([msg]) from error
    return backup


def can_edit(path: Path) -> bool:
    """Whether `edit_config` has a chance: the file is this user's, and its folder can be written to."""
    try:
        target = path.resolve()
        return target.stat().st_uid == os.geteuid() and os.access(target.parent, os.W_OK)
    except (OSError, RuntimeError):
        return False


def edit_config(path: Path, edit: Callable[[str], str]) -> None:
    """Change the file by a function of its text, atomically; its mode and group stay. Other edits of ours wait.

    What somebody else writes meanwhile is never overwritten. May block for LOCK_WAIT seconds: not for an event loop.

    Raises:
        ConfigError: it can't be read or written, is another user's, was changed meanwhile, or what `edit` raises.
            Nothing has then changed.
    """
    try:
        target = path.resolve()
        with _alone_in(target.parent):
            status = target.stat()
            if status.st_uid != os.geteuid():
                msg = f"{path}: belongs to another user (uid {status.st_uid}), and is not changed on their behalf"
                raise ConfigError([msg])
            before = read_config(target)
            after = edit(before)
            if after != before:
                _replace(target, after.encode(), status=status, unchanged=before.encode())
    except (OSError, RuntimeError) as error:
        msg = f"{path}: could not be written: {error}; check the permissions of the folder and the space on the disk"
        raise ConfigError([msg]) from error


def swap(path: Path, content: bytes | None, *, unchanged: bytes | None = None, checked: bool = False) -> None:
    """Put `content` in the place of a file, atomically, or take the file away if it is None; its mode and group stay.

    With `checked`, only if the file holds exactly `unchanged` (None: if there is none) until then. A file that was not
    there is for its owner alone. A symbolic link is followed, so that a file kept elsewhere stays there.

    Raises:
        ConfigError: it can't be written, belongs to another user, or was changed meanwhile. Nothing has then changed.
    """
    try:
        target = path.resolve()
        status = target.stat() if target.exists() else None
        if status is not None and status.st_uid != os.geteuid():
            raise ConfigError([f"{path}: belongs to another user (uid {status.st_uid}), and is not changed"])
        if checked and (target.read_bytes() if status is not None else None) != unchanged:
            raise ConfigError([_MEANWHILE.format(target)])
        if content is None:
            target.unlink(missing_ok=True)
        else:
            target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            new = checked and status is None
            _replace(target, content, status=status, unchanged=unchanged if checked else None, new=new)
    except (OSError, RuntimeError) as error:
        msg = f"{path}: could not be written: {error}; check the permissions of the folder and the space on the disk"
        raise ConfigError([msg]) from error


@contextmanager
def _alone_in(folder: Path) -> Generator[None]:
    """Hold the folder's lock, which only programs of ours look at."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        deadline = time.monotonic() + LOCK_WAIT
        while True:
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    msg = f"{folder}: another program has been writing there for {LOCK_WAIT:g} s; try again"
                    raise ConfigError([msg]) from None
                time.sleep(_POLL)
        yield
    finally:
        os.close(fd)


def _replace(
    target: Path,
    content: bytes,
    *,
    status: os.stat_result | None = None,
    unchanged: bytes | None = None,
    new: bool = False,
) -> Path:
    """Put a file of this content in its place: private, or with the mode and group of `status`.

    With `unchanged`, only if that is what the place holds until then; with `new`, only if nothing is there.
    """
    # mkstemp makes the file 0600, in the same folder so that the rename stays within one file system.
    handle, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            if status is not None:
                if os.fstat(handle).st_gid != status.st_gid:
                    os.fchown(handle, -1, status.st_gid)
                os.fchmod(handle, stat.S_IMODE(status.st_mode))
            os.fsync(file.fileno())
        if unchanged is not None and target.read_bytes() != unchanged:
            raise ConfigError([_MEANWHILE.format(target)])
        if new:
            os.link(name, target)
            Path(name).unlink()
        else:
            os.replace(name, target)
    except FileExistsError:
        Path(name).unlink(missing_ok=True)
        raise ConfigError([_MEANWHILE.format(target)]) from None
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    return target

"""Our file as text: read exactly, and replaced whole or not at all, for this user alone, the old one kept."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from mcpool.errors import ConfigError


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


def _replace(target: Path, content: bytes) -> Path:
    # mkstemp makes the file 0600, in the same folder so that the rename stays within one file system.
    handle, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(name, target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    return target

"""The folder of mcpool's own files."""

from __future__ import annotations

import os
import secrets
import stat
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from mcpool.errors import ConfigError

VARIABLE = "MCPOOL_HOME"
KEY_BYTES = 32
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def home_dir(environ: Mapping[str, str]) -> Path:
    """`$MCPOOL_HOME`, or `.mcpool` in the user's home; always absolute. Creates nothing."""
    chosen = environ.get(VARIABLE, "")
    if chosen:
        user = environ.get("HOME")
        if user and (chosen == "~" or chosen.startswith("~/")):
            chosen = user + chosen[1:]
        return Path(os.path.abspath(chosen))
    user = environ.get("HOME")
    return (Path(user) if user and os.path.isabs(user) else Path.home()) / ".mcpool"


def ensure_home(path: Path) -> Path:
    """Create the folder for this user alone (0700), or take from others what access they have to it.

    Raises:
        ConfigError: it is no folder, belongs to somebody else, or can't be created or made private.
    """
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        status = path.stat()
        if status.st_uid != os.geteuid():
            _refuse(path, f"belongs to another user (uid {status.st_uid})")
        if status.st_mode & _OTHERS:
            path.chmod(stat.S_IMODE(status.st_mode) & ~_OTHERS | stat.S_IRWXU)
    except FileExistsError:
        _refuse(path, "is not a folder")
    except OSError as error:
        _refuse(path, f"could not be created or made private: {error.strerror or error}")
    return path


def home_key(path: Path) -> bytes:
    """The secret of this home: random, made once, for its owner alone (0600).

    Raises:
        ConfigError: its file holds something else.
        OSError: it cannot be read or made.
    """
    file = path / "key"
    key = file.read_bytes() if file.exists() else _make_key(file)
    if len(key) != KEY_BYTES:
        msg = f"{file} must hold {KEY_BYTES} bytes and holds {len(key)}; remove it, and it is made anew"
        raise ConfigError([msg])
    return key


def _make_key(file: Path) -> bytes:
    temporary = file.with_name(f".key-{secrets.token_hex(8)}")
    temporary.touch(0o600, exist_ok=False)
    try:
        temporary.write_bytes(secrets.token_bytes(KEY_BYTES))
        with suppress(FileExistsError):  # another process was faster
            os.link(temporary, file)  # it is never seen half written
    finally:
        temporary.unlink()
    return file.read_bytes()


def _refuse(path: Path, reason: str) -> None:
    msg = f"{path}: {reason}; mcpool keeps tokens there: name a folder of your own with ${VARIABLE}"
    raise ConfigError([msg])

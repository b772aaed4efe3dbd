"""The token of an executor: whoever has it can do there what its user can."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from pathlib import Path

from mcpool.errors import ConfigError

FILE = "exec-server.token"
SHORTEST = 16


def token_of(file: Path, *, make: bool) -> str:
    """The token in a file; with `make`, a new one if there is no such file.

    Raises:
        ConfigError: there is none, it can't be read or made, or others may read it.
    """
    try:
        if make:
            with suppress(FileExistsError):
                handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
                with os.fdopen(handle, "w", encoding="ascii") as made:
                    made.write(secrets.token_urlsafe(32) + "\n")
        token = file.read_text(encoding="ascii").strip()
        readable = file.stat().st_mode & 0o077
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no text"
        raise ConfigError([f"{file}: the token could not be read: {reason}; name another file"]) from None
    if readable:
        raise ConfigError([f"{file}: others may read the token; `chmod 600 {file}`"])
    if len(token) < SHORTEST or any(character.isspace() for character in token):
        msg = f"{file}: does not hold a token, one word of at least {SHORTEST} characters; remove it, or correct it"
        raise ConfigError([msg])
    return token

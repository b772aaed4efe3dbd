"""Which clients a command line names, and where their files are."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from mcpool.clients.known import CLIENTS, Client, Place
from mcpool.errors import ConfigError


def here() -> Place:
    """This user's place."""
    return Place(Path.home(), os.environ, sys.platform)


def chosen_clients(names: Sequence[str]) -> list[Client]:
    """The clients of these names, each once.

    Raises:
        ConfigError: one is not known.
    """
    by_name = {client.name: client for client in CLIENTS}
    unknown = [name for name in names if name not in by_name]
    if unknown:
        msg = f"no client is called `{unknown[0]}`; mcpool knows {', '.join(by_name)}"
        raise ConfigError([f"{msg}; for any other, `mcpool up` prints what to paste into it"])
    return [by_name[name] for name in dict.fromkeys(names)]

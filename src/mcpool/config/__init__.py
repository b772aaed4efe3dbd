"""What the user wrote: our file, other hosts' files, dicts; all of it checked, none of it fatal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mcpool.config.loading import check, load
    from mcpool.config.model import Config, DaemonConfig
    from mcpool.config.problem import Problem

__all__ = ["Config", "DaemonConfig", "Problem", "check", "load"]

_HOMES = {
    "Config": "mcpool.config.model",
    "DaemonConfig": "mcpool.config.model",
    "Problem": "mcpool.config.problem",
    "check": "mcpool.config.loading",
    "load": "mcpool.config.loading",
}


def __getattr__(name: str) -> Any:
    # Lazy: most layers want `config.server` alone, and the parsers cost 20 ms to import.
    if name not in _HOMES:
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)

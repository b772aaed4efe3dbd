"""`mcpool.open`: one call that gives a host, from a file, a dict, or nothing."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mcpool.config.expand import Secret
from mcpool.config.loading import keyring
from mcpool.host.extension import Extension
from mcpool.host.host import Host
from mcpool.host.running import Plan

UNLOAD_AFTER = 1800.0
"""Seconds."""

Source = str | os.PathLike[str] | Mapping[str, Any] | None


def open(
    source: Source = None,
    *,
    attach: bool = False,
    home: str | os.PathLike[str] | None = None,
    environ: Mapping[str, str] | None = None,
    secret: Secret | None = None,
    grace: float = 1.0,
    unload_after: float = UNLOAD_AFTER,
    extensions: Sequence[Extension] = (),
    projects: bool | None = None,
) -> Host:
    """A host for `async with`: it runs the servers of a configuration and shares them among its threads.

    Args:
        source: a configuration file of ours or of another host, a dict of the same shape (`{"mcpServers": {...}}`), or
            None for `config.toml` in the home.
        attach: use the servers of the running daemon of this home instead of own processes; `source` must be None.
        home: where logs and keys live; `$MCPOOL_HOME` or `~/.mcpool` if None.
        environ: the environment that servers inherit a whitelist of, and that variables are looked up in; this
            process's if None.
        secret: looks `${keyring:NAME}` up, in an OS thread of any kind, and returns None for a name that it does not
            have; the system's keyring if None.
        grace: seconds that a step waits for servers whose tools were never seen.
        unload_after: seconds after which a thread that nobody subscribes to any more lets its servers go.
        extensions: what parts of this program add: servers, and sections of the world state that `thread.news` tells.
            A host that is attached takes sections only.
        projects: whether folders of threads may bring servers of their own, from `.mcpool/config.toml` of projects that
            the user trusts (`mcpool trust`). None: only if `source` is None.

    Raises (when it is entered):
        ConfigError: the configuration cannot be read, or nothing in it can be used.
        DaemonError: `attach` was asked for and no daemon runs.
    """
    if attach and source is not None:
        raise ValueError("attach=True uses the servers of the daemon; leave the source out, or do not attach")
    path = Path(source) if isinstance(source, (str, os.PathLike)) else None
    plan = Plan(
        path if path is not None else source if isinstance(source, Mapping) else None,
        attach=attach,
        environ=dict(os.environ if environ is None else environ),
        secret=secret or keyring(),
        grace=grace,
        unload_after=unload_after,
        extensions=tuple(extensions),
        projects=source is None if projects is None else projects,
    )
    return Host(plan, home=None if home is None else Path(home))

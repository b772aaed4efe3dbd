"""Containers that a server's command runs: labelled when started, removed by that label when the server ends.

Ending the `docker run` process doesn't end the container, which is the container daemon's child.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass

from mcpool.launch.process_output import process_output

HOST_LABEL = "mcpool.host"
SERVER_LABEL = "mcpool.server"
_PROGRAMS = frozenset({"docker", "podman"})
_GLOBAL_WITH_VALUE = (
    *("-H", "--host", "-c", "--context", "--config", "-l", "--log-level", "--tlscacert", "--tlscert", "--tlskey"),
    *("--connection", "--url", "--identity", "--root", "--runroot", "--runtime", "--storage-driver"),
)
_SECONDS = 15.0


@dataclass(frozen=True, slots=True)
class ContainerRun:
    """A command that runs a container."""

    argv: tuple[str, ...]
    """The command, with the labels put in."""
    client: tuple[str, ...]
    """The container program with its global options: what to ask about the container later."""


def container_run(argv: Sequence[str], host: str, server: str) -> ContainerRun | None:
    """`argv` labelled with its host and server, if it is `docker run ...` or `podman run ...`; else None."""
    if not argv or os.path.basename(argv[0]) not in _PROGRAMS:
        return None
    at = _skip_options(argv, 1)
    client = tuple(argv[:at])
    if at < len(argv) and argv[at] == "container":
        at = _skip_options(argv, at + 1)
    if at >= len(argv) or argv[at] != "run":
        return None
    labels = ("--label", f"{HOST_LABEL}={host}", "--label", f"{SERVER_LABEL}={server}")
    return ContainerRun((*argv[: at + 1], *labels, *argv[at + 1 :]), client)


async def remove_containers(client: Sequence[str], label: str, env: dict[str, str]) -> str | None:
    """Remove by force every container with `label` (`NAME=VALUE`). Returns what went wrong, None if nothing did."""
    listed = await process_output([*client, "ps", "-aq", "--filter", f"label={label}"], env=env, seconds=_SECONDS)
    ids = listed.stdout.decode(errors="replace").split()
    if listed.status != 0:
        return listed.problem
    if not ids:
        return None
    removed = await process_output([*client, "rm", "-f", *ids], env=env, seconds=_SECONDS)
    return None if removed.status == 0 else removed.problem


def _skip_options(argv: Sequence[str], at: int) -> int:
    while at < len(argv) and argv[at].startswith("-"):
        at += 2 if argv[at] in _GLOBAL_WITH_VALUE else 1
    return at

"""At the start of a host: end what hosts of the same home left behind that were killed together with their warden."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from mcpool.launch.containers import HOST_LABEL, remove_containers
from mcpool.launch.cookie import container_clients, dead_hosts, forget, home_id, is_alive
from mcpool.launch.ending import Quarry, end_processes, find
from mcpool.launch.process_table import HOST_COOKIE, ProcessRow


@dataclass(frozen=True, slots=True)
class Swept:
    """What a sweep did."""

    hosts: tuple[str, ...]
    """Cookies of the dead hosts that were found."""
    ended: tuple[int, ...]
    """Process ids that were found alive, and are gone unless in `left`."""
    left: tuple[int, ...]
    """Process ids that could not be ended."""
    problems: tuple[str, ...]
    """What went wrong with containers, as sentences."""


async def sweep(home: Path, environ: Mapping[str, str] | None = None, *, grace: float = 1.0) -> Swept:
    """End every process, and remove every container, of dead hosts of `home`. Those of living ones aren't touched.

    `environ` is where container programs find their settings.
    """
    environ = os.environ if environ is None else environ
    ours = f"{home_id(home)}."
    hosts = dead_hosts(home)
    # A host that descends from a server of another: whatever became of that one, it must not end itself.
    alive = {os.environ.get(HOST_COOKIE, "")}
    dead = set(hosts)

    def of_dead_host(row: ProcessRow) -> bool:
        cookie = row.value(HOST_COOKIE)
        if cookie is None or not cookie.startswith(ours) or cookie in alive:
            return False
        if cookie not in dead:
            (alive if is_alive(home, cookie) else dead).add(cookie)
        return cookie in dead

    quarry = Quarry(of_dead_host)
    found = await find(quarry)
    left = await end_processes(quarry, grace=grace) if found else []
    problems: list[str] = []
    for cookie in hosts:
        if cookie in alive:
            continue
        failures = [
            failure
            for client in container_clients(home, cookie)
            if (failure := await remove_containers(client, f"{HOST_LABEL}={cookie}", dict(environ)))
        ]
        problems += failures
        if not left and not failures:
            forget(home, cookie)
    return Swept(tuple(sorted(dead)), tuple(row.pid for row in found), tuple(row.pid for row in left), tuple(problems))

"""`mcpool explain SERVER`: who contributes it, which definition counts, and why it is off."""

from __future__ import annotations

import asyncio
import os
import shlex
from argparse import Namespace
from collections.abc import Mapping
from pathlib import Path

from mcpool.backend.holder import ClientFacts
from mcpool.catalog.contribution import Contribution
from mcpool.catalog.projection import Verdict
from mcpool.cli.env import daemon_handles
from mcpool.cli.exit_codes import OK, USAGE
from mcpool.cli.screen import Screen
from mcpool.config import load
from mcpool.config.loading import keyring
from mcpool.config.server import LOCAL, Http, ServerConfig
from mcpool.gateway.refusal import refusal
from mcpool.host.contributors import Contributors
from mcpool.host.extensions import Extensions, sections_alone
from mcpool.launch.environment import base_environment
from mcpool.plugins.shelf import OnlyHere
from mcpool.rendezvous import home_path
from mcpool.threads.facts import ThreadFacts


def run(arguments: Namespace) -> int:
    """Resolve it as for a client in a folder; exit code 2 if it cannot be used."""
    return asyncio.run(_explain(arguments.server, str(arguments.cwd.absolute()), arguments.config))


async def _explain(name: str, cwd: str, file: Path | None) -> int:
    screen, home = Screen(), Path(home_path(os.environ))
    environ = (await base_environment(os.environ, home)).lookup
    secret = keyring()
    config = load(file, home=home, environ=environ, secret=secret)
    contributors = Contributors(
        home,
        environ,
        Extensions((), sections_alone),
        with_projects=True,
        connectors=lambda: config.connectors,
        places=_OfTheDaemon(await asyncio.to_thread(daemon_handles)),
        secret=secret,
    )
    facts = ThreadFacts("explain", "explain", "explain", None, cwd, "", ClientFacts())
    resolution = await contributors.resolve(config.servers, facts)
    problems = (*config.problems, *contributors.problems)
    verdict = next((found for found in resolution.verdicts if found.name == name), None)
    if verdict is None:
        known = [found.winner.server for found in resolution.verdicts]
        screen.line(refusal(name, known, problems) or f"no server is named `{name}`", "red")
    else:
        _show(screen, verdict)
    for problem in problems:
        if problem.concerns(name) or f"`{name}`" in problem.message:
            screen.line(f"{problem.severity}: {problem}", "yellow")
    return OK if verdict is not None and verdict.off is None else USAGE


class _OfTheDaemon(OnlyHere):
    """This machine, and the executors that the daemon reaches (`Places`)."""

    def __init__(self, handles: Mapping[str, int]) -> None:
        super().__init__()
        self._handles = handles

    def handles(self) -> Mapping[str, int]:
        """Those of the daemon."""
        return self._handles


def _show(screen: Screen, verdict: Verdict) -> None:
    winner = verdict.winner
    screen.line(f"{verdict.name}: {_what(winner.server)}", "bold")
    screen.line(f"  from {_whence(winner)}")
    if winner.server.environment_id != LOCAL:
        screen.line(f"  in the environment `{winner.server.environment_id}`; `mcpool env list` says how that does")
    if verdict.off is not None:
        screen.line(f"  off: {verdict.off}", "red")
    for loser in verdict.losers:
        same = "the same" if loser.server == winner.server else _what(loser.server)
        screen.line(f"  not used: {same}, from {_whence(loser)}")
    for conflict in verdict.conflicts:
        screen.line(f"  conflict: {_whence(conflict)} means something else by this name; rename one", "yellow")


def _what(server: ServerConfig) -> str:
    transport = server.transport
    if isinstance(transport, Http):
        return f"an endpoint at {transport.host}"
    # Arguments may hold secrets, which nobody wants to see on a screen that is shared.
    more = f" and {len(transport.args)} arguments" if transport.args else ""
    return f"{shlex.quote(transport.command)}{more}"


def _whence(claim: Contribution) -> str:
    server = claim.server
    place = "" if server.file is None else f" ({server.file}{'' if server.line is None else f':{server.line}'})"
    return f"{claim.owner.source.name.lower().replace('_', ' ')}{place}"

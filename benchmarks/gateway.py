"""Gateways side by side: all are started, then loaded by turns with the same raw client."""

from __future__ import annotations

import asyncio
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.call_path import Outcome
from benchmarks.gateway_load import facts, first_session, load, own_processes
from benchmarks.gateways import GATEWAYS, Gateway, Running, free_port
from benchmarks.processes import end, pss_bytes

CLIENTS = (1, 16)


def run(rounds: int, seconds: float, say: Any) -> dict[str, Outcome]:
    """Measure every gateway."""
    outcomes = {gateway.name: Outcome(gateway.title) for gateway in GATEWAYS}
    with TemporaryDirectory() as place:
        running: dict[str, Running] = {}
        try:
            for gateway in GATEWAYS:
                _start(gateway, Path(place) / gateway.name, running, outcomes[gateway.name], say)
            for number in range(rounds):
                for name in list(running):
                    say(f"gateway, round {number + 1} of {rounds}: {outcomes[name].title}")
                    _round(name, running, outcomes[name], seconds)
            for name, gateway in running.items():
                outcomes[name].facts.update(facts(gateway))
        finally:
            for gateway in running.values():
                end(gateway.process)
    return outcomes


def _start(gateway: Gateway, folder: Path, running: dict[str, Running], outcome: Outcome, say: Any) -> None:
    if (why := gateway.missing()) is not None:
        outcome.error = why
        return
    say(f"starting {gateway.title}")
    folder.mkdir()
    started = running[gateway.name] = gateway.start(free_port(), folder)
    try:
        asyncio.run(_greet(started))
        outcome.facts["idle_pss"] = sum(map(pss_bytes, own_processes(started)))
    except (TimeoutError, RuntimeError) as exc:
        words = (folder / "output").read_text(errors="replace").strip().splitlines()[-1:]
        outcome.error = f"{exc} {' '.join(words)[:200]}".strip()
        end(running.pop(gateway.name).process)


async def _greet(running: Running) -> None:
    session, _ = await first_session(running)
    session.close()


def _round(name: str, running: dict[str, Running], outcome: Outcome, seconds: float) -> None:
    for clients in CLIENTS:
        try:
            point = asyncio.run(load(running[name], clients, seconds))
        except Exception as exc:
            outcome.error = f"{type(exc).__name__}: {exc}"[:300]
            end(running.pop(name).process)
            return
        outcome.points.setdefault(clients, []).append(point.as_dict())

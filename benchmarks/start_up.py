"""From a command to its first use: importing, the daemon, a call, the shim; and what the idle daemon takes."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.gateway_load import first_session, own_processes
from benchmarks.gateways import GATEWAYS, Running, free_port, mcpool_home
from benchmarks.http_client import INITIALIZE
from benchmarks.processes import command_line, end, pss_bytes, wait_until

HEAVY = ("pydantic", "mcp", "uvicorn", "rich")
_MCPOOL = [sys.executable, "-m", "mcpool"]
_GATEWAY = next(gateway for gateway in GATEWAYS if gateway.name == "mcpool")


def run(rounds: int, say: Any) -> dict[str, Any]:
    """Measure; each figure is the best of `rounds`, in seconds or bytes. What fails is named under "failed"."""
    found: dict[str, Any] = {"failed": {}}
    parts: dict[str, Callable[[int], dict[str, Any]]] = {
        "import mcpool": _importing,
        "mcpool up": _daemon,
        "mcpool call and connect": _commands,
    }
    for title, part in parts.items():
        say(f"start-up: {title}")
        try:
            found.update(part(rounds))
        except Exception as exc:
            found["failed"][title] = f"{type(exc).__name__}: {exc}"[:300]
    return found


def _best(rounds: int, once: Callable[[], float]) -> float:
    return min(once() for _ in range(rounds))


def _timed(command: list[str], **environment: str) -> float:
    began = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True, timeout=60, env={**os.environ, **environment})
    return time.perf_counter() - began


def _importing(rounds: int) -> dict[str, Any]:
    code = f"import sys, mcpool; print([name for name in {HEAVY} if name in sys.modules])"
    heavy = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, timeout=60).stdout.decode()
    programs = ("pass", "import mcpool", "import mcpool; mcpool.open, mcpool.Step")
    times = [[_timed([sys.executable, "-c", program]) for program in programs] for _ in range(3 * rounds)]
    bare, used, opened = map(min, zip(*times, strict=True))
    return {
        "import": used - bare,
        "import_all": opened - bare,
        "import_heavy": heavy.strip(),
        "interpreter": bare,
    }


@contextmanager
def _running() -> Iterator[tuple[Running, Path, float]]:
    """A daemon that has served its first client; yields also how long that took."""
    with TemporaryDirectory() as place:
        folder = Path(place)
        began = time.perf_counter()
        running = _GATEWAY.start(free_port(), folder)
        try:
            asyncio.run(_first(running))
            yield running, folder / "home", time.perf_counter() - began
        finally:
            end(running.process)


async def _first(running: Running) -> None:
    session, _ = await first_session(running)
    session.close()


def _daemon(rounds: int) -> dict[str, Any]:
    times: list[float] = []
    for _ in range(rounds):
        with _running() as (running, _, took):
            times.append(took)
            time.sleep(2)  # what starting left behind settles
            processes = {pid: pss_bytes(pid) for pid in own_processes(running)}
            warden = sum(size for pid, size in processes.items() if any("warden" in p for p in command_line(pid)))
            memory = {"daemon_pss": sum(processes.values()), "warden_pss": warden}
    return {"up": min(times), **memory}


def _commands(rounds: int) -> dict[str, Any]:
    call = [*_MCPOOL, "call", "bench", "echo", '{"text": "x"}']
    with _running() as (_, home, _):
        warm_call = _best(rounds, lambda: _timed(call, MCPOOL_HOME=str(home)))
        shims = [_connect(home) for _ in range(rounds)]
    return {
        "call": warm_call,
        "connect": min(took for took, _ in shims),
        "shim_pss": min(size for _, size in shims),
        "connect_cold": _best(rounds, _connect_without_daemon),
    }


def _connect_without_daemon() -> float:
    with TemporaryDirectory() as place:
        home = mcpool_home(Path(place), free_port())
        try:
            return _connect(home)[0]
        finally:
            _end_daemon(home)


def _end_daemon(home: Path) -> None:
    """End the daemon that a shim has started for this home, and wait until it is gone."""
    record = home / "daemon.json"
    if not record.exists():
        return
    pid = int(json.loads(record.read_text())["pid"])
    os.kill(pid, signal.SIGTERM)
    wait_until((not command_line(pid) for _ in count()), 15, "the end of the daemon")


def _connect(home: Path) -> tuple[float, int]:
    """Time until a client behind the shim has its first answer, and what the shim takes."""
    began = time.perf_counter()
    shim = subprocess.Popen(
        [*_MCPOOL, "connect", "bench"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "MCPOOL_HOME": str(home)},
        start_new_session=True,
    )
    try:
        assert shim.stdin is not None
        assert shim.stdout is not None
        request = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": INITIALIZE}
        shim.stdin.write(json.dumps(request).encode() + b"\n")
        shim.stdin.flush()
        answer = json.loads(shim.stdout.readline())
        took = time.perf_counter() - began
        if "result" not in answer:
            raise RuntimeError(answer)
        return took, pss_bytes(shim.pid)
    finally:
        end(shim)
        for pipe in (shim.stdin, shim.stdout):
            if pipe is not None:
                pipe.close()

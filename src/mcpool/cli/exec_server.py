"""`mcpool exec-server`: run servers here, for hosts elsewhere."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
from argparse import Namespace
from pathlib import Path

from mcpool.cli.exit_codes import OK, USAGE
from mcpool.config.home import ensure_home
from mcpool.environments.exec_server.token import FILE, token_of
from mcpool.rendezvous import home_path

_LOOPBACK = ("127.0.0.1", "::1", "localhost")


def run(arguments: Namespace) -> int:
    """Be an executor until a signal comes."""
    where = _address(arguments.listen)
    root = Path(os.path.abspath(arguments.root))
    if where is None:
        sys.stderr.write(f"mcpool exec-server: --listen takes [HOST:]PORT, not `{arguments.listen}`\n")
        return USAGE
    if not root.is_dir():
        sys.stderr.write(f"mcpool exec-server: --root {root} is no folder\n")
        return USAGE
    home = ensure_home(Path(home_path(os.environ)))
    file = arguments.token_file or home / FILE
    token = token_of(file, make=arguments.token_file is None)
    logging.basicConfig(level=logging.WARNING, format="mcpool: %(message)s")
    logging.getLogger("websockets").setLevel(logging.CRITICAL)  # it tells of each connection that speaks something else
    return asyncio.run(_serve(home, root, where, file, token))


async def _serve(home: Path, root: Path, where: tuple[str, int], file: Path, token: str) -> int:
    from mcpool.environments.exec_server.listener import exec_server
    from mcpool.launch.environment import base_environment

    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, stop.set)
    base = await base_environment(os.environ, home)
    for problem in base.problems:
        sys.stderr.write(f"mcpool: {problem}\n")
    if stop.is_set():
        return OK
    async with exec_server(home, base.lookup, token=token, root=root, host=where[0], port=where[1]) as listening:
        print(listening.url, flush=True)
        sys.stderr.write(
            f"the token is in {file}; on the host: `mcpool env add NAME {listening.url} --token-file FILE`\n"
        )
        if where[0] not in _LOOPBACK:
            sys.stderr.write("others can read what goes over this address, the token too: better use a tunnel\n")
        await stop.wait()
        sys.stderr.write("ending what runs here\n")
    return OK


def _address(text: str) -> tuple[str, int] | None:
    host, _, port = text.removeprefix("ws://").rpartition(":")
    host = host.removeprefix("[").removesuffix("]") or "127.0.0.1"
    return (host, int(port)) if port.isdecimal() and int(port) < 65536 else None

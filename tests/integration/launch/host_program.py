"""A host of its own process: `host_program.py HOME FIFO HOW SERVER...` starts a server under a warden and ends as told.

HOW is `stay` or `raise` (an exception as soon as something can be read from standard input). Reports `NAME PID` of the
host, the warden and each replacement of it.
"""

import asyncio
import os
import sys
from pathlib import Path

from mcpool.launch.cookie import HostCookie
from mcpool.launch.local import LocalLauncher
from mcpool.launch.local_link import Patience
from mcpool.launch.spec import LaunchSpec
from mcpool.launch.warden_client import Warden


class Deaf:
    """Wants to know nothing."""

    def on_bytes(self, data: bytes) -> None: ...

    def on_eof(self) -> None: ...

    def on_exit(self, status: int | None) -> None: ...


def report(name: str, pid: int | None) -> None:
    """Tell the test."""
    handle = os.open(sys.argv[2], os.O_WRONLY)
    os.write(handle, f"{name} {pid}\n".encode())
    os.close(handle)


async def main() -> None:
    """Be a host."""
    home, how, argv = Path(sys.argv[1]), sys.argv[3], tuple(sys.argv[4:])
    told = asyncio.Event()
    asyncio.get_running_loop().add_reader(0, told.set)
    short = Patience(0.3, 0.3)
    with HostCookie.claim(home) as cookie:
        async with (
            Warden.open(home, cookie.text) as warden,
            LocalLauncher(home, warden, cookie.text, patience=short) as launcher,
        ):
            await launcher.start(LaunchSpec("srv", argv, (), str(home)), Deaf())
            report("host", os.getpid())
            report("warden", warden.pid)
            while not told.is_set():
                replaced = warden.replaced
                await asyncio.sleep(0.01)
                if warden.replaced > replaced:
                    report(f"warden-{warden.replaced}", warden.pid)
            if how == "raise":
                msg = "on purpose"
                raise RuntimeError(msg)


asyncio.run(main())

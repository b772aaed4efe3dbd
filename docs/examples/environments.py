"""A server that runs in an executor, and is there while the executor is."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import mcpool

SERVERS = {
    "mcpServers": {
        "there": {
            "command": sys.executable,
            "args": ["-m", "mcpool.demo"],
            "cwd": ".",  # beneath the executor's --root
            "environment_id": "box",
        }
    }
}
HOME = Path(os.environ.get("MCPOOL_HOME") or Path.home() / ".mcpool")


async def use(url: str, token: str) -> None:
    async with mcpool.open(SERVERS) as host, host.thread() as thread:
        async with thread.step() as step:
            print(len(step.tools), "tools")

        host.environments.add("box", url, token=token)  # returns at once
        print("box is", (await host.environments.reached("box")).status)
        await thread.ready()
        async with thread.step() as step:
            print(len(step.tools), "tools")


# Usually it runs elsewhere, and somebody brings its address and its token here.
command = [sys.executable, "-m", "mcpool", "exec-server"]
with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as executor:
    assert executor.stdout is not None
    url = executor.stdout.readline().strip()
    asyncio.run(use(url, (HOME / "exec-server.token").read_text().strip()))
    executor.terminate()

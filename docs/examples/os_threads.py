"""mcpool without an event loop: the blocking twin, from many OS threads at once."""

import sys
from concurrent.futures import ThreadPoolExecutor

import mcpool

CONFIG = {"mcpServers": {"demo": {"command": sys.executable, "args": ["-m", "mcpool.demo"]}}}


def main() -> None:
    # `grace` is how long a step waits for servers whose tools nobody has seen yet.
    with mcpool.sync.open(CONFIG, grace=30) as host:

        def work(_: int) -> int:
            with host.thread() as thread, thread.step() as step:
                return step.call("mcp__demo__counter", {"add": 1}).structured["pid"]

        with ThreadPoolExecutor(20) as workers:
            pids = set(workers.map(work, range(20)))
        print(f"20 OS threads used {len(pids)} process")


if __name__ == "__main__":
    main()

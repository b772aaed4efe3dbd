"""An MCP server that ignores SIGTERM and the end of its input, with descendants that try to get away.

Each reports `NAME PID` to the FIFO named by the first argument.
"""

import json
import os
import signal
import sys


def report(name: str) -> None:
    """Say that this process is up."""
    handle = os.open(sys.argv[1], os.O_WRONLY)
    os.write(handle, f"{name} {os.getpid()}\n".encode())
    os.close(handle)


def stay(name: str) -> None:
    """Stay for ever."""
    report(name)
    while True:
        signal.pause()


def serve() -> None:
    """Answer the handshake; there are no tools."""
    for line in sys.stdin:
        message = json.loads(line)
        answers: dict[str, object] = {
            "initialize": {
                "protocolVersion": "2025-11-25",
                "capabilities": {"tools": {}},
                "serverInfo": {"name": "stubborn", "version": "1"},
            },
            "tools/list": {"tools": []},
        }
        if "id" in message:
            result = answers.get(message["method"])
            outcome = {"result": result} if result else {"error": {"code": -32601, "message": "no such method"}}
            print(json.dumps({"jsonrpc": "2.0", "id": message["id"], **outcome}), flush=True)


def main() -> None:
    """Start the descendants and stay."""
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    if os.fork() == 0:
        stay("child")
    if os.fork() == 0:
        os.setsid()
        stay("setsid")
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            stay("forked-twice")
        os._exit(0)
    if os.fork() == 0:
        os.setpgid(0, 0)
        script = 'echo "no-environment $$" > "$1"; while :; do sleep 1000; done'
        os.execve("/bin/sh", ["sh", "-c", script, "sh", sys.argv[1]], {})
    report("server")
    serve()
    while True:
        signal.pause()


main()

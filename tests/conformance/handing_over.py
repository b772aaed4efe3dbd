"""The suite starts a program for each scenario; this one hands the scenario over to a process that is warm already.

It is run by a bare interpreter, and needs what that has. `VARIABLE` names the socket at which clients are taken.
"""

import json
import os
import socket
import sys

VARIABLE = "CONFORMANCE_CLIENTS"


def main() -> int:
    """Tell what is wanted, and pass on how it went."""
    request = {
        "scenario": os.environ["MCP_CONFORMANCE_SCENARIO"],
        "revision": os.environ.get("MCP_CONFORMANCE_PROTOCOL_VERSION"),
        "context": json.loads(os.environ.get("MCP_CONFORMANCE_CONTEXT") or "{}"),
        "url": sys.argv[-1],
    }
    with socket.socket(socket.AF_UNIX) as sock:
        sock.connect(os.environ[VARIABLE])
        sock.sendall(json.dumps(request).encode() + b"\n")
        with sock.makefile() as answer:
            trouble = answer.read()
    sys.stderr.write(trouble)
    return int(bool(trouble))


if __name__ == "__main__":
    sys.exit(main())

"""The process of a fake server: `python relay.py SOCKET`. It decides nothing.

What comes on stdin goes to the socket, behind one line that says who this is; what comes from the socket are orders:
a letter, four bytes of length, and so many bytes. When the socket ends, so does it. Standard library only.
"""

from __future__ import annotations

import json
import os
import socket
import sys
import threading

WRITE, COMPLAIN, EXIT = b"w", b"e", b"x"
"""The orders: bytes for stdout; bytes for stderr; end with this status."""


def order(kind: bytes, data: bytes) -> bytes:
    """An order as it goes over the socket."""
    return kind + len(data).to_bytes(4, "big") + data


def obey(sock: socket.socket) -> None:
    """Carry out orders until one says to end, or there are no more."""
    with sock.makefile("rb") as orders:
        while head := orders.read(5):
            data = orders.read(int.from_bytes(head[1:], "big"))
            if head[:1] == EXIT:
                os._exit(int(data))
            write_all(1 if head[:1] == WRITE else 2, data)
    os._exit(0)


def write_all(descriptor: int, data: bytes) -> None:
    """Write all of it. Nobody reads it any more: end, as a program does that does not expect that."""
    try:
        while data:
            data = data[os.write(descriptor, data) :]
    except OSError:
        os._exit(1)


def main(path: str) -> None:
    """Relay until either side ends."""
    sock = socket.socket(socket.AF_UNIX)
    sock.connect(path)
    sock.sendall(json.dumps({"pid": os.getpid(), "cwd": os.getcwd()}).encode() + b"\n")
    obeying = threading.Thread(target=obey, args=(sock,))
    obeying.start()
    while data := os.read(0, 1 << 16):
        sock.sendall(data)
    sock.shutdown(socket.SHUT_WR)
    obeying.join()


if __name__ == "__main__":
    main(*sys.argv[1:])

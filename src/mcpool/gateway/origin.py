"""Who may speak to the gateway at all: requests for a loopback name, from a loopback page or from no page.

A web page anywhere can make a browser send requests to this machine (DNS rebinding). Its `Host` or `Origin` gives it
away, so both are checked before anything else is looked at.
"""

from __future__ import annotations

_LOOPBACK = frozenset({b"localhost", b"127.0.0.1", b"[::1]"})
_REMEMBERED = 64


def is_loopback(authority: bytes) -> bool:
    """Whether a `Host` value, name with or without a port, names this machine by a loopback name."""
    authority = authority.lower()
    if authority in _LOOPBACK:
        return True
    name, _, port = authority.rpartition(b":")
    return name in _LOOPBACK and _is_port(port)


def is_loopback_origin(origin: bytes) -> bool:
    """Whether an `Origin` value is a page served by this machine."""
    scheme, separator, authority = origin.partition(b"://")
    return bool(separator) and scheme.lower() in (b"http", b"https") and is_loopback(authority)


def _is_port(port: bytes) -> bool:
    return port.isdigit() and len(port) < 6 and 0 < int(port) < 65536


class OriginCheck:
    """The check with a short memory: clients send the same two values with every request."""

    def __init__(self) -> None:
        self._good: set[tuple[bytes | None, bytes | None]] = set()

    def refusal(self, host: bytes | None, origin: bytes | None) -> str | None:
        """Why a request with these headers is refused, or None if it may go on."""
        if (host, origin) in self._good:
            return None
        if host is None or not is_loopback(host):
            return "the Host header must be a loopback name (localhost, 127.0.0.1 or [::1])"
        if origin is not None and not is_loopback_origin(origin):
            return "the Origin header names a page that is not served by this machine"
        if len(self._good) < _REMEMBERED:
            self._good.add((host, origin))
        return None

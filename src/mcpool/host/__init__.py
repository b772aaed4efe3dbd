"""The library: open a host, open threads on it, take steps."""

from mcpool.host.host import Host
from mcpool.host.opening import open

__all__ = ["Host", "open"]

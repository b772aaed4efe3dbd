"""What HTTPS connections are checked with. Imported when the first one is opened."""

from __future__ import annotations

import ssl
from functools import cache

import httpx2


@cache
def tls() -> ssl.SSLContext:
    """The trusted certificates of this system, read once: that takes a while, in which no other task gets its turn.

    `SSL_CERT_FILE` and `SSL_CERT_DIR` count as they are with the first use.
    """
    return httpx2.create_ssl_context()

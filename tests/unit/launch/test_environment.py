"""What servers inherit."""

from __future__ import annotations

from mcpool.launch.environment import inherited


def test_only_the_whitelist_is_inherited() -> None:
    """Secrets of the host's environment are not."""
    environ = {"HOME": "/h", "PATH": "/bin", "SSL_CERT_FILE": "/ca", "TOKEN": "secret", "LC_ALL": ""}

    assert inherited(environ) == {"HOME": "/h", "PATH": "/bin", "SSL_CERT_FILE": "/ca", "LC_ALL": ""}

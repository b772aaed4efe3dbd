"""Loopback names and nothing else."""

from __future__ import annotations

import pytest

from mcpool.gateway.origin import OriginCheck, is_loopback, is_loopback_origin


@pytest.mark.parametrize("value", [b"localhost", b"LocalHost:80", b"127.0.0.1:65535", b"[::1]", b"[::1]:1"])
def test_loopback_names(value: bytes) -> None:
    assert is_loopback(value)
    assert is_loopback_origin(b"http://" + value)


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b":80",
        b"localhost:",
        b"localhost:0",
        b"localhost:99999",
        b"localhost:80:80",
        b"localhost.evil.example",
        b"evil.example:80",
        b"127.0.0.1.evil.example",
        b"127.0.0.2",
        b"0.0.0.0",
        b"::1",
        b"[::1",
        b"localhost:8a",
        b"localhost/",
        b"user@localhost",
        b"\xff",
    ],
)
def test_other_names(value: bytes) -> None:
    assert not is_loopback(value)
    assert not is_loopback_origin(b"http://" + value)


@pytest.mark.parametrize("value", [b"null", b"localhost", b"ftp://localhost", b"://localhost", b"chrome-extension://x"])
def test_origins_that_are_no_local_page(value: bytes) -> None:
    assert not is_loopback_origin(value)


def test_check_remembers_no_refusal_as_good() -> None:
    check = OriginCheck()
    assert check.refusal(b"localhost", None) is None
    assert check.refusal(b"localhost", None) is None
    for _ in range(2):
        assert check.refusal(b"evil.example", None) is not None
        assert check.refusal(None, None) is not None
        assert check.refusal(b"localhost", b"http://evil.example") is not None

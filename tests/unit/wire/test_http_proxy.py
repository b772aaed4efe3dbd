"""Which proxy, if any, a URL goes through."""

from __future__ import annotations

import pytest

from mcpool.wire.http import proxy_for

PROXIES = {"HTTP_PROXY": "http://plain:1", "https_proxy": "http://tls:2"}


@pytest.mark.parametrize(
    ("url", "expected"),
    [("http://example.com/mcp", "http://plain:1"), ("https://example.com/mcp", "http://tls:2")],
)
def test_a_remote_url_takes_the_proxy_of_its_scheme(url: str, expected: str) -> None:
    assert proxy_for(url, PROXIES) == expected


@pytest.mark.parametrize("host", ["127.0.0.1:80", "127.3.2.1", "localhost:8000", "app.localhost", "[::1]:9"])
def test_loopback_never_goes_through_a_proxy(host: str) -> None:
    assert proxy_for(f"http://{host}/mcp", PROXIES) is None


@pytest.mark.parametrize(
    "exempt", ["example.com", ".example.com", "*.example.com", "other, example.com:443", "*", "api.example.com"]
)
def test_a_host_exempted_by_no_proxy_is_reached_directly(exempt: str) -> None:
    assert proxy_for("https://api.example.com/mcp", {**PROXIES, "NO_PROXY": exempt}) is None


def test_a_host_that_only_looks_like_an_exempted_one_keeps_the_proxy() -> None:
    assert proxy_for("https://notexample.com/", {**PROXIES, "NO_PROXY": "example.com"}) == "http://tls:2"


def test_all_proxy_is_the_last_resort() -> None:
    assert proxy_for("https://example.com/", {"ALL_PROXY": "http://any:3"}) == "http://any:3"

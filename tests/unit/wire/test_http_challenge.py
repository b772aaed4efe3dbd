"""What servers say that a token lacks."""

from __future__ import annotations

import pytest

from mcpool.wire.http_challenge import scopes_lacking

META = 'resource_metadata="https://h/.well-known/oauth-protected-resource"'


@pytest.mark.parametrize(
    ("header", "scopes"),
    [
        (f'Bearer error="insufficient_scope", scope="a:write b", {META}', ("a:write", "b")),
        (f'Bearer scope="a", {META}, error="insufficient_scope", error_description="scope=\'x\'"', ("a",)),
        ("Bearer error=insufficient_scope, scope=a", ("a",)),
        ('bearer ERROR = "insufficient_scope" , SCOPE = "a  a b"', ("a", "b")),
        ('Bearer error="insufficient_scope"', ()),
        ('Bearer error="insufficient_scope", scope=""', ()),
        ('Bearer error="invalid_token", scope="a"', ()),
        ('Bearer scope="a"', ()),
        ("", ()),
        (None, ()),
        ('Bearer error="insufficient_scope", scope="\x1b[31m \xe9 \\ ok"', ("ok",)),
    ],
)
def test_scopes_are_what_the_header_names_with_the_error(header: str | None, scopes: tuple[str, ...]) -> None:
    assert scopes_lacking(header) == scopes


def test_no_header_makes_a_message_of_any_length() -> None:
    many = " ".join(f"s{number}" for number in range(10_000))
    assert len(scopes_lacking(f'Bearer error="insufficient_scope", scope="{many} {"x" * 1000}"')) == 50

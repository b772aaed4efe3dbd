"""Telling secrets from other values."""

from __future__ import annotations

import pytest

from mcpool.config.import_plan import with_references
from mcpool.config.literal_secrets import find_literal_secrets


def found(table: dict[str, object]) -> list[tuple[str, str, str]]:
    return [(secret.name, secret.value, secret.reference) for secret in find_literal_secrets("srv", table)]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("GITHUB_TOKEN", "x1"),
        ("DB_PASSWORD", "hunter2"),
        ("OPENAI_API_KEY", "abc"),
        ("ANYTHING", "ghp_0123456789abcdefghijABCDEFGHIJ012345"),
        ("ANYTHING", "sk-ant-REDACTED"),
        ("ANYTHING", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl"),
        ("ANYTHING", "9f8a7b6c5d4e3f2a1b0c9d8e7f6a5b4c"),
        ("MY_PAT", "abc"),
    ],
)
def test_a_secret_in_the_environment_is_found(name: str, value: str) -> None:
    assert found({"env": {name: value}}) == [(f"srv/{name}", value, f"${{keyring:srv/{name}}}")]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PATH", "/usr/bin"),
        ("DEBUG", "true"),
        ("GITHUB_TOKEN", "${GITHUB_TOKEN}"),
        ("GITHUB_TOKEN", ""),
        ("GITHUB_TOKEN", "<your token>"),
        ("GITHUB_TOKEN", "YOUR_TOKEN_HERE"),
        ("SSH_AUTH_SOCK_TOKEN", "/run/user/1000/agent"),
        ("MAX_TOKENS", "4096"),
        ("MODEL", "claude-sonnet-4-20250514-long-name"),
        ("REGION", "eu-central-1"),
        ("URL", "https://example.com/a/b/c/d/e/f"),
    ],
)
def test_what_is_no_secret_is_left_alone(name: str, value: str) -> None:
    assert found({"env": {name: value}}) == []


@pytest.mark.parametrize(
    ("header", "value", "secret", "before"),
    [
        ("Authorization", "Bearer abc.def", "abc.def", "Bearer "),
        ("X-Api-Key", "k", "k", ""),
        ("Cookie", "a=b", "a=b", ""),
    ],
)
def test_a_secret_in_a_header_is_found_without_its_scheme(header: str, value: str, secret: str, before: str) -> None:
    assert found({"http_headers": {header: value}}) == [(f"srv/{header}", secret, f"{before}${{keyring:srv/{header}}}")]


def test_the_secret_of_a_registration_is_found() -> None:
    table: dict[str, object] = {"oauth": {"client_id": "c", "client_secret": "abc", "callback_port": 1}}
    assert found(table) == [("srv/client_secret", "abc", "${keyring:srv/client_secret}")]


@pytest.mark.parametrize(
    ("args", "index", "name", "value"),
    [
        (["--api-key", "abc"], 1, "srv/api-key", "abc"),
        (["--api-key=abc"], 0, "srv/api-key", "abc"),
        (["--header", "Authorization: Bearer abc"], 1, "srv/Authorization", "abc"),
        (["-y", "tool", "ghp_0123456789abcdefghijABCDEFGHIJ012345"], 2, "srv/argument-2", None),
        (["run", "-e", "DB_PASSWORD=pw", "image"], 2, "srv/DB_PASSWORD", "pw"),
        (["postgresql://bob:pw@h/db"], 0, "srv/password", "pw"),
    ],
)
def test_a_secret_in_the_arguments_is_found(args: list[str], index: int, name: str, value: str | None) -> None:
    (secret,) = find_literal_secrets("srv", {"args": args})

    assert (secret.path, secret.name) == (("args", index), name)
    assert secret.value == (value or args[index])
    assert secret.before + secret.value + secret.after == args[index]


@pytest.mark.parametrize(
    "args", [["-y", "@scope/package-name"], ["--token-limit"], ["--dir", "/a/b"], ["--verbose", "yes"], ["--api-key"]]
)
def test_arguments_without_a_secret_are_left_alone(args: list[str]) -> None:
    assert found({"args": args}) == []


def test_a_secret_in_a_url_is_found_and_the_rest_of_the_url_kept() -> None:
    assert found({"url": "https://h/mcp?user=1&apiKey=abc#x"}) == [
        ("srv/apiKey", "abc", "https://h/mcp?user=1&apiKey=${keyring:srv/apiKey}#x")
    ]


def test_secrets_are_replaced_by_references_at_any_depth() -> None:
    table: dict[str, object] = {"command": "x", "args": ["--token", "t"], "env": {"A": "1", "PASSWORD": "p"}}

    assert with_references(table, find_literal_secrets("s", table)) == {
        "command": "x",
        "args": ["--token", "${keyring:s/token}"],
        "env": {"A": "1", "PASSWORD": "${keyring:s/PASSWORD}"},
    }


def test_different_secrets_get_different_names_and_equal_ones_share_one() -> None:
    table: dict[str, object] = {"args": ["--token", "a", "--token", "b", "--token", "a"]}

    assert [(name, value) for name, value, _ in found(table)] == [
        ("srv/token", "a"),
        ("srv/token-2", "b"),
        ("srv/token", "a"),
    ]


def test_a_name_in_the_keyring_holds_nothing_that_ends_a_reference() -> None:
    (secret,) = find_literal_secrets("srv", {"env": {"A}B TOKEN": "x"}})

    assert secret.name == "srv/A_B_TOKEN"


def test_a_secret_does_not_show_in_its_repr() -> None:
    (secret,) = find_literal_secrets("s", {"env": {"PASSWORD": "hunter2"}})

    assert "hunter2" not in repr(secret)

"""Identity: what decides whether two threads share a process."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcpool.catalog.identity import (
    HttpIdentity,
    Identity,
    Place,
    StdioIdentity,
    differences,
    digest,
    identify,
    missing,
)
from mcpool.config.server import EnvVar, Http, Pairs, ServerConfig, Stdio, ToolConfig

KEY = b"k" * 32
PLACE = Place(cwd="/srv/repo", base_env=(("HOME", "/root"), ("PATH", "/bin")), command="/bin/srv")
STDIO = ServerConfig("git", Stdio("srv", ("--verbose",), (("TOKEN", "s3cret"),)))
HTTP = ServerConfig("api", Http("https://example.test/mcp/s3cret", http_headers=(("X-Key", "s3cret"),)))


def stdio(server: ServerConfig, place: Place = PLACE) -> StdioIdentity:
    identity = identify(server, place)
    assert isinstance(identity, StdioIdentity)
    return identity


def http(server: ServerConfig, place: Place = PLACE) -> HttpIdentity:
    identity = identify(server, place)
    assert isinstance(identity, HttpIdentity)
    return identity


def test_a_process_has_the_inherited_environment_and_the_configured_one_on_top():
    server = replace(STDIO, transport=Stdio("srv", env=(("PATH", "/opt/bin"),), env_vars=(EnvVar("TZ"),)))
    place = replace(PLACE, lookup=(("TZ", "Europe/Paris"), ("UNNAMED", "never copied")))
    assert dict(stdio(server, place).env) == {"HOME": "/root", "PATH": "/opt/bin", "TZ": "Europe/Paris"}


def test_a_variable_of_the_executor_counts_by_name_and_is_not_read_here():
    server = replace(STDIO, transport=Stdio("srv", env_vars=(EnvVar("TZ", "remote"),)))
    identity = stdio(server, replace(PLACE, lookup=(("TZ", "here"),)))
    assert identity.remote_env == ("TZ",)
    assert "TZ" not in dict(identity.env)


@pytest.mark.parametrize(
    ("configured", "expected"),
    [("client", "/srv/repo"), ("/fixed", "/fixed"), ("sub/folder", "/srv/repo/sub/folder"), ("/fixed/./", "/fixed")],
)
def test_the_folder_is_the_threads_unless_configured(configured: str, expected: str):
    server = replace(STDIO, transport=Stdio("srv", cwd=configured))
    assert stdio(server).cwd == expected


def test_a_server_with_a_fixed_folder_is_one_process_for_threads_in_two():
    server = replace(STDIO, transport=Stdio("srv", cwd="/fixed"))
    assert identify(server, PLACE) == identify(server, replace(PLACE, cwd="/elsewhere"))


def test_the_same_folder_with_a_trailing_slash_is_the_same():
    assert identify(STDIO, PLACE) == identify(STDIO, replace(PLACE, cwd="/srv/repo/"))


def test_a_stdio_server_does_not_depend_on_the_principal():
    assert identify(STDIO, PLACE) == identify(STDIO, replace(PLACE, principal="ann"))


def test_an_http_server_depends_on_the_principal_and_not_on_the_folder():
    assert identify(HTTP, PLACE) == identify(HTTP, replace(PLACE, cwd="/elsewhere"))
    assert identify(HTTP, PLACE) != identify(HTTP, replace(PLACE, principal="ann"))


def test_a_headers_helper_depends_on_the_folder_it_runs_in():
    server = replace(HTTP, transport=Http("https://example.test", http_headers_helper="./token.sh"))
    assert identify(server, PLACE) != identify(server, replace(PLACE, cwd="/elsewhere"))


def test_headers_are_complete_and_the_bearer_token_wins():
    transport = Http(
        "https://example.test",
        bearer_token_env_var="TOKEN",
        http_headers=(("Authorization", "static"), ("X-A", "a")),
        env_http_headers=(("X-B", "B"), ("X-C", "UNSET")),
    )
    place = replace(PLACE, lookup=(("B", "b"), ("TOKEN", "t")))
    assert dict(http(replace(HTTP, transport=transport), place).headers) == {
        "authorization": "Bearer t",
        "x-a": "a",
        "x-b": "b",
    }


def test_headers_with_variables_of_the_executor_are_named_and_have_no_value_here():
    transport = Http(
        "https://example.test",
        bearer_token_env_var="TOKEN",
        env_http_headers=(("X-B", "B"),),
        variables_source="remote",
    )
    server = replace(HTTP, transport=transport)
    found = http(server, replace(PLACE, lookup=(("B", "b"), ("TOKEN", "t"))))
    assert found.headers == ()
    assert found.completed == (("authorization", "Bearer ", "TOKEN"), ("x-b", "", "B"))
    assert missing(server, PLACE) == ()
    other = http(replace(HTTP, transport=replace(transport, bearer_token_env_var="OTHER")), PLACE)
    assert differences(found, other) == ("headers from the executor: other names, or other variables of it",)


def test_only_credentials_that_are_sent_count_and_whose_they_are():
    """Scenario R7."""

    def identity(token: str, *, static: str = "a", principal: str = "ann", unset: str = "UNSET") -> HttpIdentity:
        headers = (("Authorization", static),)
        transport = Http(
            "https://example.test",
            bearer_token_env_var="TOKEN",
            http_headers=headers,
            env_http_headers=(("X-C", unset),),
        )
        place = replace(PLACE, lookup=(("TOKEN", token),), principal=principal)
        return http(replace(HTTP, transport=transport), place)

    assert identity("t") == identity("t", static="b") == identity("t", unset="UNSET_TOO")
    assert identity("t") != identity("other")
    assert identity("t") != identity("t", principal="bob")


def test_the_secret_of_a_client_that_signs_in_by_itself_counts_and_is_not_shown():
    def identity(secret: str, grant_type: str = "client_credentials") -> HttpIdentity:
        transport = Http("https://example.test", oauth_client_id="c", oauth_client_secret=secret)
        return http(replace(HTTP, transport=replace(transport, oauth_grant_type=cast("Any", grant_type))))

    assert identity("s3cret") != identity("other")
    assert differences(identity("s3cret"), identity("other")) == ("oauth: another secret or key of the client",)
    assert "s3cret" not in repr(identity("s3cret"))
    # A person stays signed in, whatever becomes of the registration.
    assert identity("s3cret", "authorization_code") == identity("other", "authorization_code")


def test_missing_names_the_variables_that_are_unset_or_empty():
    transport = Http(
        "https://example.test", bearer_token_env_var="TOKEN", env_http_headers=(("X-B", "B"), ("X-C", "C"))
    )
    place = replace(PLACE, lookup=(("B", "b"), ("TOKEN", "")))
    assert missing(replace(HTTP, transport=transport), place) == ("C", "TOKEN")
    assert missing(STDIO, place) == ()


@pytest.mark.parametrize(("mode", "expected"), [("all", "all"), ("none", "none"), ("mirror", "elicitation-form")])
def test_the_clients_capabilities_count_only_when_mirrored(mode: str, expected: str):
    server = replace(STDIO, client_capabilities=mode)
    assert stdio(server, replace(PLACE, capabilities="elicitation-form")).capabilities == expected


def test_roots_are_a_set():
    one = identify(STDIO, replace(PLACE, roots=("file:///b", "file:///a", "file:///b")))
    other = identify(STDIO, replace(PLACE, roots=("file:///a", "file:///b")))
    assert one == other
    assert one != identify(STDIO, replace(PLACE, roots=()))


VIEW_CHANGES: list[dict[str, object]] = [
    {"name": "other"},
    {"required": True},
    {"startup_timeout": 1.0},
    {"tool_timeout": 1.0},
    {"question_timeout": 1.0},
    {"supports_parallel_tool_calls": True},
    {"omit_tools_from": ("direct",)},
    {"default_tools_approval_mode": "prompt"},
    {"tools": (("t", ToolConfig("prompt")),)},
    {"enabled_tools": ("t",)},
    {"disabled_tools": ("t",)},
    {"scope": "thread"},
    {"retry": "never"},
    {"start": "eager"},
    {"idle_timeout": 1.0},
    {"when_asking": "isolate"},
    {"line": 7},
]


@pytest.mark.parametrize("change", VIEW_CHANGES, ids=lambda change: next(iter(change)))
@pytest.mark.parametrize("server", [STDIO, HTTP], ids=["stdio", "http"])
def test_a_change_of_the_view_is_no_change_of_identity(server: ServerConfig, change: dict[str, object]):
    changed = replace(server, **cast("dict[str, str]", change))
    assert identify(changed, PLACE) == identify(server, PLACE)


def test_secrets_are_not_in_a_repr():
    for server in (STDIO, HTTP, replace(STDIO, transport=Stdio("srv", ("--key=s3cret",)))):
        assert "s3cret" not in repr(identify(server, PLACE))
    assert "s3cret" not in repr(replace(PLACE, lookup=(("TOKEN", "s3cret"),)))


CASES: list[tuple[Identity, Identity, str]] = [
    (stdio(STDIO), stdio(STDIO, replace(PLACE, command="/usr/bin/srv")), "command: /bin/srv and /usr/bin/srv"),
    (stdio(STDIO), replace(stdio(STDIO), args=("--quiet",)), "args: they differ at position 1"),
    (stdio(STDIO), replace(stdio(STDIO), args=()), "args: they differ in number (1 and 0)"),
    (
        stdio(STDIO),
        stdio(STDIO, replace(PLACE, cwd="/b")),
        'cwd: /srv/repo and /b; `cwd = "/srv/repo"` in the configuration makes it one process',
    ),
    (
        stdio(STDIO),
        replace(stdio(STDIO), env=(("HOME", "/root"), ("TOKEN", "other"))),
        "env: PATH is set in one only, TOKEN has two values; set the same value in `env` to make it one process",
    ),
    (http(HTTP), replace(http(HTTP), url="https://example.test/mcp/other"), "url: they differ in path or query"),
    (http(HTTP), replace(http(HTTP), url="https://b.test"), "url: host example.test and b.test"),
    (http(HTTP), replace(http(HTTP), headers=(("x-key", "o"),)), "headers: x-key has two values"),
    (
        http(HTTP),
        replace(http(HTTP), principal="ann"),
        "principal: '' and 'ann'; each has a connection with their own credentials",
    ),
    (
        stdio(STDIO),
        replace(stdio(STDIO), capabilities="none"),
        'client capabilities: all and none; `client_capabilities = "all"` in the configuration makes it one',
    ),
    (
        stdio(STDIO),
        replace(stdio(STDIO), roots=("file:///a",)),
        "roots: none and file:///a; this server depends on its client's roots",
    ),
    (stdio(STDIO), replace(stdio(STDIO), era="handshake"), "era: auto and handshake"),
    (stdio(STDIO), http(HTTP), "transport: one is a process, the other a URL"),
]


@pytest.mark.parametrize(("a", "b", "sentence"), CASES, ids=[c[2].split(":")[0] + f"-{i}" for i, c in enumerate(CASES)])
def test_differences_says_which_and_what_to_do_without_secrets(a: Identity, b: Identity, sentence: str):
    assert differences(a, b) == (sentence,)
    assert digest(a, KEY) != digest(b, KEY)


TEXT = st.text(max_size=6)
PAIRS = st.dictionaries(TEXT, TEXT, max_size=3).map(lambda d: tuple(sorted(d.items())))
STDIO_IDENTITIES = st.builds(
    StdioIdentity,
    command=TEXT,
    args=st.lists(TEXT, max_size=3).map(tuple),
    env=PAIRS,
    cwd=TEXT,
    environment=TEXT,
    capabilities=TEXT,
    roots=st.none() | st.lists(TEXT, max_size=2).map(tuple),
    remote_env=st.lists(TEXT, max_size=2).map(tuple),
)
HTTP_IDENTITIES = st.builds(
    HttpIdentity,
    url=TEXT,
    headers=PAIRS,
    principal=TEXT,
    environment=TEXT,
    capabilities=TEXT,
    roots=st.none() | st.lists(TEXT, max_size=2).map(tuple),
    helper=st.none() | st.tuples(TEXT, TEXT),
    oauth=PAIRS,
    own_credentials=st.none() | TEXT,
)
IDENTITIES = st.one_of(STDIO_IDENTITIES, HTTP_IDENTITIES)


@given(IDENTITIES, IDENTITIES)
def test_equal_identities_and_only_those_have_one_digest_and_no_differences(a: Identity, b: Identity):
    for x, y in ((a, b), (a, a), (b, replace(b))):
        assert (x == y) == (digest(x, KEY) == digest(y, KEY)) == (not differences(x, y))


@given(IDENTITIES)
def test_a_digest_depends_on_its_key(identity: Identity):
    assert digest(identity, b"a") != digest(identity, b"b")


@given(PAIRS, PAIRS, TEXT, TEXT)
def test_equal_inputs_and_only_those_give_equal_identities(env: Pairs, other: Pairs, arg: str, other_arg: str):
    one = replace(STDIO, transport=Stdio("srv", (arg,), env))
    two = replace(STDIO, transport=Stdio("srv", (other_arg,), other))
    place = replace(PLACE, base_env=())
    assert (identify(one, place) == identify(two, place)) == (env == other and arg == other_arg)


def test_a_digest_takes_what_an_environment_can_hold():
    value = b"\xff\xfe".decode("utf-8", "surrogateescape")
    identity = replace(stdio(STDIO), env=(("RAW", value),))
    assert len(bytes.fromhex(digest(identity, KEY))) == 32
    assert json.loads(json.dumps(value)) == value

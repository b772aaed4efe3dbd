"""Our own file: every key, what it sets, and what is in force without it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mcpool.config import Config, load
from mcpool.config.keys import KEYS
from mcpool.config.server import CLIENT_CWD, EnvVar, Http, ServerConfig, Stdio, ToolConfig


def read(tmp_path: Path, text: str) -> Config:
    file = tmp_path / "config.toml"
    file.write_text(text)
    file.chmod(0o600)
    return load(None, home=tmp_path, environ={"HOME": "/home/ada"}, secret=lambda _: None)


def server(tmp_path: Path, text: str) -> ServerConfig:
    config = read(tmp_path, text)
    assert not config.problems
    return config.servers[0]


STDIO_VALUES: dict[str, tuple[str, Any]] = {
    "command": ('"npx"', "npx"),
    "args": ('["-y", ""]', ("-y", "")),
    "env": ('{ B = "2", A = "1" }', (("A", "1"), ("B", "2"))),
    "env_vars": ('["A", { name = "B", source = "remote" }]', (EnvVar("A"), EnvVar("B", "remote"))),
    "cwd": ('"/srv"', "/srv"),
}
HTTP_VALUES: dict[str, tuple[str, Any]] = {
    "url": ('"https://h/mcp?a=b"', "https://h/mcp?a=b"),
    "bearer_token_env_var": ('"T"', "T"),
    "http_headers": ('{ "X-A" = "1" }', (("X-A", "1"),)),
    "env_http_headers": ('{ "X-B" = "VAR" }', (("X-B", "VAR"),)),
    "variables_source": ('"remote"', "remote"),
    "http_headers_helper": ('"print-headers --json"', "print-headers --json"),
    "auth": ('"chatgpt"', "chatgpt"),
    "oauth.client_id": ('"c"', "c"),
    "oauth.client_secret": ('"s"', "s"),
    "oauth.private_key": ('"k"', "k"),
    "oauth.grant_type": ('"client_credentials"', "client_credentials"),
    "oauth.issuer": ('"https://i"', "https://i"),
    "oauth.callback_port": ("4711", 4711),
    "oauth_resource": ('"https://h"', "https://h"),
    "scopes": ('["a", "b"]', ("a", "b")),
}
SERVER_VALUES: dict[str, tuple[str, Any]] = {
    "environment_id": ('"box"', "box"),
    "enabled": ("false", False),
    "required": ("true", True),
    "startup_timeout_ms": ("1500", 1.5),
    "startup_timeout_sec": ("7", 7.0),
    "tool_timeout_sec": ("0.5", 0.5),
    "progress_extends_timeout": ("true", True),
    "tool_timeout_max_sec": ("900", 900.0),
    "question_timeout_sec": ("90", 90.0),
    "supports_parallel_tool_calls": ("true", True),
    "omit_tools_from": ('["direct", "code_mode"]', ("direct", "code_mode")),
    "default_tools_approval_mode": ('"writes"', "writes"),
    "tools": (
        f'{{ "b c" = {{ approval_mode = "approve", approved_definition = "sha256:{"0" * 64}" }}, '
        'a = { retry = "never" } }',
        (("a", ToolConfig(retry="never")), ("b c", ToolConfig("approve", approved_definition="0" * 64))),
    ),
    "enabled_tools": ('["a"]', ("a",)),
    "disabled_tools": ('["b"]', ("b",)),
    "scope": ('"session-tree"', "session-tree"),
    "retry": ('"always"', "always"),
    "start": ('"eager"', "eager"),
    "idle_timeout_sec": ("0", 0.0),
    "stop_when_unused": ("true", True),
    "restart_max": ("0", 0),
    "restart_window_sec": ("5", 5.0),
    "heartbeat_sec": ("0", 0.0),
    "era": ('"handshake"', "handshake"),
    "client_capabilities": ('"mirror"', "mirror"),
    "when_asking": ('"serialise"', "serialise"),
    "overlap": ("false", False),
    "max_message_bytes": ("1048576", 1048576),
}


OF_CLIENTS_BY_THEMSELVES = ("oauth.private_key", "oauth.grant_type", "oauth.issuer")


@pytest.mark.parametrize("key", KEYS, ids=lambda key: key.name)
def test_each_key_sets_its_field(tmp_path: Path, key: Any) -> None:
    written, expected = {**STDIO_VALUES, **HTTP_VALUES, **SERVER_VALUES}[key.name]
    lines = ["[mcp_servers.a]"]
    lines += [] if key.name in ("command", "url") else ['url = "https://h"' if key.part == "http" else 'command = "x"']
    lines += ['cwd = "/w"'] if key.name == "environment_id" else []
    lines += ['environment_id = "box"'] if key.name == "variables_source" else []
    lines += ['oauth.client_id = "c"'] if key.name in ("oauth.client_secret", *OF_CLIENTS_BY_THEMSELVES) else []
    lines += ['oauth.client_secret = "s"'] if key.name in ("oauth.grant_type", "oauth.issuer") else []
    lines += ['oauth.grant_type = "client_credentials"'] if key.name in ("oauth.private_key", "oauth.issuer") else []

    found = server(tmp_path, "\n".join([*lines, f"{key.name} = {written}"]))

    owner = found if key.part == "server" else found.transport
    assert getattr(owner, key.field) == expected


def test_variables_of_an_executor_are_for_servers_that_are_reached_through_one(tmp_path: Path) -> None:
    found = read(tmp_path, '[mcp_servers.a]\nurl = "https://h"\nvariables_source = "remote"')

    assert found.servers == ()
    assert "`environment_id` of an executor" in str(found.problems[0])


def test_without_keys_the_defaults_are_those_of_the_value(tmp_path: Path) -> None:
    assert server(tmp_path, '[mcp_servers.a]\ncommand = "x"') == ServerConfig("a", Stdio("x"))
    assert server(tmp_path, '[mcp_servers.a]\nurl = "https://h"') == ServerConfig("a", Http("https://h"))


def test_given_both_spellings_of_the_start_timeout_then_seconds_win_in_either_order(tmp_path: Path) -> None:
    for lines in ("startup_timeout_sec = 3\nstartup_timeout_ms = 9", "startup_timeout_ms = 9\nstartup_timeout_sec = 3"):
        assert server(tmp_path, f'[mcp_servers.a]\ncommand = "x"\n{lines}').startup_timeout == 3.0


def test_servers_keep_the_order_and_the_lines_of_the_file(tmp_path: Path) -> None:
    config = read(tmp_path, '[mcp_servers.z]\ncommand = "1"\n\n[mcp_servers.a]\ncommand = "2"\n')

    assert [(found.name, found.line) for found in config.servers] == [("z", 1), ("a", 4)]
    assert {found.file for found in config.servers} == {str(tmp_path / "config.toml")}


def test_a_server_equals_the_same_server_written_elsewhere(tmp_path: Path) -> None:
    one = server(tmp_path, '[mcp_servers.a]\ncommand = "x"')
    two = server(tmp_path, '# moved\n[mcp_servers.a]\ncommand = "x"')

    assert one == two
    assert one.line != two.line


@pytest.mark.parametrize(
    ("written", "expected"),
    [("client", CLIENT_CWD), ("~", "/home/ada"), ("~/w", "/home/ada/w"), ("${HOME}/w", "/home/ada/w"), ("/w", "/w")],
)
def test_a_working_folder_is_absolute_or_the_clients(tmp_path: Path, written: str, expected: str) -> None:
    found = server(tmp_path, f'[mcp_servers.a]\ncommand = "x"\ncwd = "{written}"')

    assert isinstance(found.transport, Stdio)
    assert found.transport.cwd == expected


def test_a_relative_working_folder_is_relative_to_the_file(tmp_path: Path) -> None:
    found = server(tmp_path, '[mcp_servers.a]\ncommand = "x"\ncwd = "sub/dir"')

    assert isinstance(found.transport, Stdio)
    assert found.transport.cwd == str(tmp_path / "sub/dir")


def test_a_command_may_start_at_the_users_home(tmp_path: Path) -> None:
    found = server(tmp_path, '[mcp_servers.a]\ncommand = "~/bin/x"')

    assert isinstance(found.transport, Stdio)
    assert found.transport.command == "/home/ada/bin/x"


def test_the_daemon_table_is_read(tmp_path: Path) -> None:
    daemon = read(tmp_path, "[daemon]\nport = 0\nidle_exit_sec = 5").daemon

    assert (daemon.port, daemon.idle_exit) == (0, 5.0)


def test_given_no_file_then_the_configuration_is_empty_and_nothing_is_wrong(tmp_path: Path) -> None:
    assert load(None, home=tmp_path, environ={}) == Config()


def test_the_legacy_key_name_is_ignored_in_silence(tmp_path: Path) -> None:
    assert server(tmp_path, '[mcp_servers.a]\ncommand = "x"\nname = "old"').name == "a"


def test_a_disabled_server_may_name_variables_that_are_not_set(tmp_path: Path) -> None:
    found = server(tmp_path, '[mcp_servers.a]\nurl = "${BASE}/mcp"\nenabled = false\nhttp_headers.A = "${NOPE}"')

    assert not found.enabled


def test_an_approved_definition_counts_only_for_an_approval(tmp_path: Path) -> None:
    lines = f'[mcp_servers.a]\ncommand = "x"\n[mcp_servers.a.tools.t]\napproved_definition = "sha256:{"0" * 64}"\n'
    for mode in ("", 'approval_mode = "prompt"\n'):
        config = read(tmp_path, lines + mode)

        assert [(problem.severity, problem.line) for problem in config.problems] == [("warning", 4)]
        assert "has no effect without" in config.problems[0].message
        assert config.servers[0].tools[0][1].approved_definition is None


def test_mcpool_may_write_to_servers_of_its_own_file_only(tmp_path: Path) -> None:
    ours = '[mcp_servers.a]\ncommand = "x"\n[mcpServers.b]\ncommand = "x"\n'
    assert read(tmp_path, ours).writable == {"a": {"command": "x"}}
    assert read(tmp_path, 'model = "o"\n[mcp_servers.a]\ncommand = "x"\n').writable == {}
    assert load({"mcp_servers": {"a": {"command": "x"}}}, home=tmp_path, environ={}).writable == {}
    (tmp_path / "mcp.json").write_text('{"mcpServers": {"a": {"command": "x"}}}')
    assert load(tmp_path / "mcp.json", home=tmp_path, environ={}).writable == {}

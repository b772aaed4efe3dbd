"""Other hosts' files, read as they are."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from mcpool.config import Config, load
from mcpool.config.server import CLIENT_CWD, EnvVar, Http, ServerConfig, Stdio, ToolConfig

SAMPLES = Path(__file__).with_name("samples")
"""Realistic copies of the files in which other hosts keep their servers."""


def sample(name: str) -> str:
    return (SAMPLES / name).read_text()


ENVIRON = {
    "HOME": "/home/ada",
    "MY_API_KEY": "k1",
    "TOOLS_KEY": "k2",
    "FIGMA": "k3",
    "LOG_LEVEL": "debug",
    "JIRA": "k4",
}


def read(tmp_path: Path, place: str, text: str, environ: Mapping[str, str] = ENVIRON) -> Config:
    file = tmp_path / place
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    file.chmod(0o600)
    return load(file, home=tmp_path, environ=environ, secret=lambda name: {"perplexity-key": "p"}.get(name))


def told(config: Config) -> list[tuple[str, int | None, str]]:
    return [(problem.severity, problem.line, problem.key) for problem in config.problems]


def test_claude_desktop(tmp_path: Path) -> None:
    config = read(tmp_path, "claude_desktop_config.json", sample("claude_desktop.json"))

    assert told(config) == []
    assert config.servers == (
        ServerConfig(
            "filesystem", Stdio("npx", ("-y", "@modelcontextprotocol/server-filesystem", "/Users/ada/Desktop"))
        ),
        ServerConfig(
            "github",
            Stdio(
                "npx",
                ("-y", "@modelcontextprotocol/server-github"),
                (("GITHUB_PERSONAL_ACCESS_TOKEN", "ghp_0123456789abcdefghijABCDEFGHIJ012345"),),
            ),
        ),
    )
    assert [server.line for server in config.servers] == [4, 8]


def test_claude_code_with_the_servers_of_projects_in_their_folders(tmp_path: Path) -> None:
    config = read(tmp_path, ".claude.json", sample("claude_code.json"))

    assert told(config) == [("error", 11, "mcpServers.old.type")]
    assert config.servers == (
        ServerConfig(
            "sentry",
            Http(
                "https://mcp.sentry.dev/mcp",
                http_headers=(("X-Team", "core"),),
                oauth_client_id="abc",
                oauth_callback_port=8123,
            ),
        ),
        ServerConfig("db", Stdio("uvx", ("mcp-db", "--dsn", "sqlite://"), cwd="/home/ada/web")),
    )


def test_given_two_projects_with_one_name_then_the_second_is_left_out_with_a_warning(tmp_path: Path) -> None:
    project = '{"mcpServers": {"db": {"command": "x"}}}'
    config = read(tmp_path, ".claude.json", '{"projects": {"/a": %s,\n "/b": %s}}' % (project, project))  # noqa: UP031

    assert told(config) == [("warning", 2, "projects./b.mcpServers.db".replace("/b", '"/b"'))]
    assert [server.transport for server in config.servers] == [Stdio("x", cwd="/a")]


def test_a_projects_mcp_json_follows_the_clients_folder(tmp_path: Path) -> None:
    config = read(tmp_path, ".mcp.json", sample("project_mcp.json"))

    assert told(config) == []
    assert config.servers == (
        ServerConfig("local", Stdio("node", ("./server.js",), (("DEBUG", "false"),), cwd=CLIENT_CWD)),
        ServerConfig("time", Stdio("uvx", ("mcp-server-time",))),
    )


def test_cursor_in_a_project_knows_its_workspace(tmp_path: Path) -> None:
    config = read(tmp_path, "web/.cursor/mcp.json", sample("cursor.json"))

    assert told(config) == [("warning", 3, 'mcpServers."my server"'), ("warning", 7, 'mcpServers."my server".envFile')]
    assert config.servers == (
        ServerConfig(
            "my-server",
            Stdio("python", (f"{tmp_path}/web/tools/server.py", "--home", "/home/ada"), (("API_KEY", "k1"),)),
        ),
        ServerConfig(
            "remote",
            Http(
                "https://example.com/mcp",
                oauth_client_id="cid",
                oauth_client_secret="k1",
                scopes=("read", "write"),
            ),
        ),
    )


def test_cursor_of_the_user_takes_the_clients_folder_for_the_workspace(tmp_path: Path) -> None:
    environ = {**ENVIRON, "HOME": str(tmp_path)}

    transport = read(tmp_path, ".cursor/mcp.json", sample("cursor.json"), environ).servers[0].transport

    assert isinstance(transport, Stdio)
    assert (transport.args[0], transport.cwd) == ("./tools/server.py", CLIENT_CWD)


def test_vs_code_with_inputs_from_the_keyring_and_jsonc(tmp_path: Path) -> None:
    config = read(tmp_path, ".vscode/mcp.json", sample("vscode.jsonc"))

    assert told(config) == []
    assert config.servers == (
        ServerConfig(
            "perplexity",
            Stdio("npx", ("-y", "server-perplexity-ask"), (("PERPLEXITY_API_KEY", "p"), ("RETRIES", "3"))),
        ),
        ServerConfig("playwright", Stdio("npx", ("-y", "@microsoft/mcp-server-playwright"))),
        ServerConfig("fetch", Http("https://example.com/mcp")),
    )


def test_given_an_input_that_nobody_stored_then_the_problem_says_how_to_store_it(tmp_path: Path) -> None:
    config = read(
        tmp_path, "mcp.json", '{"inputs": [],\n"servers": {"a": {"command": "x",\n"args": ["${input:tok}"]}}}'
    )

    assert told(config) == [("error", 3, "servers.a.args[0]")]
    assert config.problems[0].remedy == "store it: `keyring set mcpool tok`"


def test_vs_code_settings(tmp_path: Path) -> None:
    config = read(tmp_path, "settings.json", sample("vscode_settings.json"))

    assert told(config) == []
    assert config.servers == (ServerConfig("time", Stdio("uvx", ("mcp-server-time",))),)


def test_gemini_cli(tmp_path: Path) -> None:
    config = read(tmp_path, ".gemini/settings.json", sample("gemini.json"))

    assert told(config) == [("warning", 9, "mcpServers.python-tools.timeout")]
    assert config.servers == (
        ServerConfig(
            "python-tools",
            Stdio("python", ("-m", "tools", "--key", "k2"), (("DB", "none"), ("KEY", "k2"))),
            default_tools_approval_mode="approve",
            enabled_tools=("safe", "read"),
            disabled_tools=("drop",),
        ),
        ServerConfig("remote", Http("https://example.com/mcp", http_headers=(("Authorization", "Bearer k2"),))),
        ServerConfig("off", Stdio("x"), enabled=False),
    )


def test_windsurf(tmp_path: Path) -> None:
    config = read(tmp_path, "mcp_config.json", sample("windsurf.json"))

    assert told(config) == []
    approve = ToolConfig(approval_mode="approve")
    assert config.servers == (
        ServerConfig("figma", Http("https://example.com/figma", http_headers=(("X-Key", "k3"),))),
        ServerConfig(
            "git",
            Stdio("uvx", ("mcp-server-git",)),
            enabled=False,
            disabled_tools=("git_reset",),
            tools=(("git_diff", approve), ("git_log", approve)),
        ),
    )


def test_zed(tmp_path: Path) -> None:
    config = read(tmp_path, "settings.json", sample("zed.jsonc"))

    assert told(config) == [("warning", 6, "context_servers.ext"), ("warning", 7, "context_servers.pg")]
    assert config.servers == (
        ServerConfig("hexdocs", Stdio("npx", ("-y", "hexdocs-mcp"))),
        ServerConfig("old-style", Stdio("/bin/srv", ("run",), (("A", "1"),))),
        ServerConfig("web", Http("https://example.com/mcp")),
    )


def test_opencode(tmp_path: Path) -> None:
    config = read(tmp_path, "opencode.json", sample("opencode.json"))

    assert told(config) == [("warning", 11, "mcp.from-org")]
    assert config.servers == (
        ServerConfig(
            "everything", Stdio("npx", ("-y", "@modelcontextprotocol/server-everything"), (("LEVEL", "debug"),))
        ),
        ServerConfig("jira", Http("https://jira.example.com/mcp", http_headers=(("A", "Bearer k4"),))),
    )


def test_opencode_tells_the_right_item_of_its_one_list(tmp_path: Path) -> None:
    config = read(tmp_path, "opencode.json", '{"mcp": {"a": {"command": [\n"x",\n"y",\n"${NOPE}"]}}}')

    assert told(config) == [("error", 4, "mcp.a.command[2]")]


def test_codex(tmp_path: Path) -> None:
    config = read(tmp_path, ".codex/config.toml", sample("codex.toml"))

    assert told(config) == []
    assert config.servers == (
        ServerConfig(
            "docs",
            Http("https://developers.example.com/mcp", bearer_token_env_var="DOCS_TOKEN"),
            startup_timeout=20.0,
        ),
        ServerConfig(
            "git",
            Stdio("uvx", ("mcp-server-git",), env_vars=(EnvVar("GIT_TOKEN"),)),
            tools=(("git_commit", ToolConfig(approval_mode="prompt")),),
        ),
    )


def test_cline(tmp_path: Path) -> None:
    config = read(tmp_path, "cline_mcp_settings.json", sample("cline.json"))

    assert told(config) == [("warning", 6, "mcpServers.tavily.timeout")]
    assert config.servers[0].default_tools_approval_mode == "approve"


@pytest.mark.parametrize(
    "path", [["mcpServers"], ["mcp_servers"], ["servers"], ["context_servers"], ["mcp"], ["mcp", "servers"], []]
)
def test_a_dict_of_any_of_the_shapes_is_read(tmp_path: Path, path: list[str]) -> None:
    source: dict[str, object] = {"a": {"command": "x", "args": ("y",)}}
    for key in reversed(path):
        source = {key: source}

    config = load(source, home=tmp_path, environ={})

    assert told(config) == []
    assert config.servers == (ServerConfig("a", Stdio("x", ("y",))),)


def test_our_own_keys_work_in_every_format(tmp_path: Path) -> None:
    source = {"mcpServers": {"a": {"command": "x", "scope": "thread", "tool_timeout_sec": 5}}}

    assert load(source, home=tmp_path, environ={}).servers == (
        ServerConfig("a", Stdio("x"), scope="thread", tool_timeout=5.0),
    )


def test_a_dict_may_have_a_daemon_table(tmp_path: Path) -> None:
    assert load({"mcp_servers": {}, "daemon": {"port": 1}}, home=tmp_path, environ={}).daemon.port == 1


@pytest.mark.parametrize("source", [{"mcp_server": {"a": {}}}, {"a": 1}])
def test_a_dict_without_servers_is_an_error(tmp_path: Path, source: dict[str, object]) -> None:
    config = load(source, home=tmp_path, environ={})

    assert told(config) == [("error", None, "")]
    assert "describes no servers" in config.problems[0].message


@pytest.mark.parametrize(
    ("server", "key"),
    [
        ({"type": "sse", "url": "https://h"}, "mcpServers.a.type"),
        ({"transport": "SSE", "url": "https://h"}, "mcpServers.a.transport"),
        ({"type": "ws", "url": "https://h"}, "mcpServers.a.type"),
        ({"type": 3, "url": "https://h"}, "mcpServers.a.type"),
        (7, "mcpServers.a"),
        ({"command": "x", "disabled": "no"}, "mcpServers.a.disabled"),
        ({"command": []}, "mcpServers.a.command"),
        ({"url": "https://h", "headers": {"A": 1}}, "mcpServers.a.headers.A"),
    ],
)
def test_what_another_hosts_server_has_wrong_is_told_under_its_own_key(
    tmp_path: Path, server: object, key: str
) -> None:
    config = load({"mcpServers": {"a": server, "good": {"command": "x"}}}, home=tmp_path, environ={})

    assert told(config) == [("error", None, key)]
    assert [found.name for found in config.servers] == ["good"]


@pytest.mark.parametrize(
    ("server", "keys"),
    [
        ({"url": "https://h", "env": {"API_KEY": "k"}, "args": []}, ["mcpServers.a.env"]),
        ({"command": "x", "headers": {"A": "b"}, "oauth": {"clientId": "c"}}, ["headers", "oauth"]),
    ],
)
def test_keys_of_the_other_transport_are_passed_over_with_a_warning(
    tmp_path: Path, server: object, keys: list[str]
) -> None:
    config = load({"mcpServers": {"a": server}}, home=tmp_path, environ={})

    assert [problem.severity for problem in config.problems] == ["warning"] * len(keys)
    assert all(problem.key.endswith(key) for problem, key in zip(config.problems, keys, strict=True))
    assert len(config.servers) == 1


def test_what_our_own_key_says_of_a_tool_wins_over_approval_in_advance(tmp_path: Path) -> None:
    ours = {"tools": {"rm": {"approval_mode": "prompt"}}}
    theirs = {"alwaysAllow": ["rm", "ls"]}

    for server in ({"command": "x", **ours, **theirs}, {"command": "x", **theirs, **ours}):
        (found,) = load({"mcpServers": {"a": server}}, home=tmp_path, environ={}).servers
        assert found.tools == (("ls", ToolConfig(approval_mode="approve")), ("rm", ToolConfig(approval_mode="prompt")))


def test_legacy_sse_is_named_as_what_is_not_supported(tmp_path: Path) -> None:
    config = load({"mcpServers": {"a": {"type": "sse", "url": "https://h"}}}, home=tmp_path, environ={})

    assert "legacy SSE" in config.problems[0].message
    assert "streamable HTTP" in config.problems[0].remedy


def test_a_json_server_that_is_written_twice_is_told(tmp_path: Path) -> None:
    config = read(tmp_path, "x.json", '{"mcpServers": {\n"a": {"command": "x"},\n"a": {"command": "y"}}}')

    assert told(config) == [("warning", 3, "mcpServers.a")]
    assert config.servers == (ServerConfig("a", Stdio("y")),)

"""Everything that can be wrong with our file: each is found, on its line, with something to do about it."""

from __future__ import annotations

from pathlib import Path

import pytest

from mcpool.config import Config, Problem, load
from mcpool.config.expand import SecretsError

ENVIRON = {"HOME": "/home/ada", "TOKEN": "t0", "EMPTY": "", "TWO_LINES": "a\nb"}


def no_secret(_name: str) -> str | None:
    return None


def read(tmp_path: Path, text: str, name: str = "config.toml") -> Config:
    file = tmp_path / name
    file.write_text(text)
    file.chmod(0o600)
    return load(file, home=tmp_path, environ=ENVIRON, secret=no_secret)


def only(config: Config) -> Problem:
    assert len(config.problems) == 1, [str(problem) for problem in config.problems]
    return config.problems[0]


STDIO = '[mcp_servers.good]\ncommand = "x"\n[mcp_servers.bad]\ncommand = "y"\n'
RM_APPROVED = STDIO + "[mcp_servers.bad.tools.rm]\napproval_mode = 'approve'\n"
BY_ITSELF = "oauth.grant_type = 'client_credentials'"
HTTP = '[mcp_servers.good]\ncommand = "x"\n[mcp_servers.bad]\nurl = "https://h/mcp"\n'


@pytest.mark.parametrize(
    ("text", "line", "key", "message"),
    [
        (STDIO + "args = 'one'", 5, "mcp_servers.bad.args", "must be a list, not text"),
        (STDIO + "args = [\n 'a',\n 3,\n]", 7, "mcp_servers.bad.args[1]", "must be text, not a whole number"),
        (STDIO + "env = { A = 1 }", 5, "mcp_servers.bad.env.A", "must be text, not a whole number"),
        (STDIO + "[mcp_servers.bad.env]\n'A=B' = ''", 6, 'mcp_servers.bad.env."A=B"', "is not the name of a variable"),
        (
            STDIO + "env_vars = ['A', { name = 'B', source = 'moon' }]",
            5,
            "mcp_servers.bad.env_vars[1].source",
            "'moon'",
        ),
        (STDIO + "env_vars = [{ source = 'local' }]", 5, "mcp_servers.bad.env_vars[0]", "names no variable"),
        (STDIO + "env_vars = [{ name = 'A', form = 1 }]", 5, "mcp_servers.bad.env_vars[0].form", "is not a key"),
        (STDIO + "env_vars = [7]", 5, "mcp_servers.bad.env_vars[0]", "must be a name or a table"),
        (STDIO + "env_vars = ['A=B']", 5, "mcp_servers.bad.env_vars[0]", "is not the name of a variable"),
        (STDIO + "cwd = ''", 5, "mcp_servers.bad.cwd", "is empty"),
        (STDIO + "args = ['a\\u0000b']".replace("'", '"'), 5, "mcp_servers.bad.args[0]", "cannot be passed on"),
        (STDIO + "enabled = 'yes'", 5, "mcp_servers.bad.enabled", "must be true or false, not text"),
        (STDIO + "\nstartup_timeout_sec = 0", 6, "mcp_servers.bad.startup_timeout_sec", "must be more than 0 seconds"),
        (STDIO + "startup_timeout_ms = -5", 5, "mcp_servers.bad.startup_timeout_ms", "more than 0 milliseconds"),
        (STDIO + "tool_timeout_sec = inf", 5, "mcp_servers.bad.tool_timeout_sec", "is too long"),
        (STDIO + "tool_timeout_sec = nan", 5, "mcp_servers.bad.tool_timeout_sec", "is too long"),
        (STDIO + f"tool_timeout_sec = 1{'0' * 400}", 5, "mcp_servers.bad.tool_timeout_sec", "is too long"),
        (STDIO + "tool_timeout_sec = true", 5, "mcp_servers.bad.tool_timeout_sec", "must be a number of seconds"),
        (STDIO + "idle_timeout_sec = -1", 5, "mcp_servers.bad.idle_timeout_sec", "must be 0 or more seconds"),
        (STDIO + "heartbeat_sec = '5'", 5, "mcp_servers.bad.heartbeat_sec", "must be a number of seconds, not text"),
        (STDIO + "restart_window_sec = 0", 5, "mcp_servers.bad.restart_window_sec", "must be more than 0"),
        (STDIO + "restart_max = 1.5", 5, "mcp_servers.bad.restart_max", "must be a whole number, not a number"),
        (STDIO + "restart_max = -1", 5, "mcp_servers.bad.restart_max", "is out of range"),
        (STDIO + "max_message_bytes = 10", 5, "mcp_servers.bad.max_message_bytes", "is out of range"),
        (STDIO + "scope = 'global'", 5, "mcp_servers.bad.scope", "'global', which is not one of its values"),
        (STDIO + "retry = 'once'", 5, "mcp_servers.bad.retry", "'once'"),
        (STDIO + "start = 'now'", 5, "mcp_servers.bad.start", "'now'"),
        (STDIO + "client_capabilities = 'some'", 5, "mcp_servers.bad.client_capabilities", "'some'"),
        (STDIO + "when_asking = 'never'", 5, "mcp_servers.bad.when_asking", "'never'"),
        (STDIO + "overlap = 1", 5, "mcp_servers.bad.overlap", "must be true or false"),
        (STDIO + "stop_when_unused = 'no'", 5, "mcp_servers.bad.stop_when_unused", "must be true or false"),
        (STDIO + "omit_tools_from = ['direct', 'x']", 5, "mcp_servers.bad.omit_tools_from[1]", "'x'"),
        (STDIO + "default_tools_approval_mode = 7", 5, "mcp_servers.bad.default_tools_approval_mode", "must be text"),
        (STDIO + "enabled_tools = ['a', '']", 5, "mcp_servers.bad.enabled_tools[1]", "is empty"),
        (STDIO + "tools = []", 5, "mcp_servers.bad.tools", "must be a table, not a list"),
        (STDIO + "tools.rm = 'prompt'", 5, "mcp_servers.bad.tools.rm", "must be a table, not text"),
        (STDIO + "tools.rm.aproval_mode = 'prompt'", 5, "mcp_servers.bad.tools.rm.aproval_mode", "is not a setting of"),
        (STDIO + "[mcp_servers.bad.tools.rm]\nretry = 'x'", 6, "mcp_servers.bad.tools.rm.retry", "'x'"),
        (RM_APPROVED + "approved_definition = 7", 7, "mcp_servers.bad.tools.rm.approved_definition", "must be text"),
        (RM_APPROVED + "approved_definition = 'x'", 7, "mcp_servers.bad.tools.rm.approved_definition", "is no digest"),
        (STDIO + "http_headers = { A = 'b' }", 5, "mcp_servers.bad.http_headers", "not supported for stdio"),
        (STDIO + "oauth = { client_id = 'c' }", 5, "mcp_servers.bad.oauth.client_id", "not supported for stdio"),
        (STDIO + "environment_id = 'box'", 3, "mcp_servers.bad", "has no `cwd`"),
        (STDIO + "bearer_token = 'abc'", 5, "mcp_servers.bad.bearer_token", "would put a secret into the file"),
        (STDIO + "args = ['${NOPE}']", 5, "mcp_servers.bad.args[0]", "the variable `NOPE` is not set"),
        (STDIO + "env.A = '${keyring:k}'", 5, "mcp_servers.bad.env.A", "the keyring has no entry `k`"),
        (STDIO + "env.A = '${input:k}'", 5, "mcp_servers.bad.env.A", "would ask for the input `k`"),
        (STDIO + "env.A = '${a b}'", 5, "mcp_servers.bad.env.A", "is not a reference that mcpool knows"),
        (HTTP + "args = []", 5, "mcp_servers.bad.args", "`args` is not supported for streamable_http"),
        (HTTP + "http_headers = 'x'", 5, "mcp_servers.bad.http_headers", "must be a table, not text"),
        (HTTP + "http_headers = { 'a b' = 'c' }", 5, 'mcp_servers.bad.http_headers."a b"', "name of an HTTP header"),
        (HTTP + "http_headers.A = '${TWO_LINES}'", 5, "mcp_servers.bad.http_headers.A", "holds a line break"),
        (HTTP + "env_http_headers.A = 3", 5, "mcp_servers.bad.env_http_headers.A", "must be text"),
        (HTTP + "oauth.client_secret = 's'", 5, "mcp_servers.bad.oauth.client_secret", "no use without"),
        (HTTP + "oauth.private_key = 'k'", 5, "mcp_servers.bad.oauth.private_key", "sign in by themselves"),
        (HTTP + "oauth.issuer = 'https://i'", 5, "mcp_servers.bad.oauth.issuer", "sign in by themselves"),
        (HTTP + BY_ITSELF, 5, "mcp_servers.bad.oauth.grant_type", "needs `oauth.client_id`"),
        (HTTP + BY_ITSELF + "\noauth.client_id = 'c'", 5, "mcp_servers.bad.oauth.grant_type", "either"),
        (HTTP + "oauth = 3", 5, "mcp_servers.bad.oauth", "must be a table, not a whole number"),
        (HTTP + "[mcp_servers.bad.oauth]\ncallback_port = 70000", 6, "mcp_servers.bad.oauth.callback_port", "range"),
        (HTTP + "auth = 'basic'", 5, "mcp_servers.bad.auth", "'basic'"),
        (HTTP + "scopes = 'a b'", 5, "mcp_servers.bad.scopes", "must be a list"),
        (
            HTTP + "environment_id = 'box'\nhttp_headers_helper = 'x'",
            6,
            "mcp_servers.bad.http_headers_helper",
            "runs on this host only",
        ),
    ],
)
def test_given_a_wrong_value_then_its_line_and_key_are_told_and_only_its_server_is_left_out(
    tmp_path: Path, text: str, line: int, key: str, message: str
) -> None:
    config = read(tmp_path, text)

    problem = only(config)
    assert (problem.severity, problem.line, problem.key) == ("error", line, key)
    assert message in problem.message
    assert problem.remedy
    assert [server.name for server in config.servers] == ["good"]


@pytest.mark.parametrize(
    ("definition", "message"),
    [
        ("enabled = true", "has neither `command` nor `url`"),
        ("command = 'x'\nurl = 'https://h'", "has both `command` and `url`"),
    ],
)
def test_given_no_clear_transport_then_the_server_itself_is_the_problem(
    tmp_path: Path, definition: str, message: str
) -> None:
    problem = only(read(tmp_path, f"\n[mcp_servers.a]\n{definition}\n"))

    assert (problem.severity, problem.line, problem.key) == ("error", 2, "mcp_servers.a")
    assert message in problem.message


def test_given_a_mistyped_command_then_the_key_is_named_beside_what_is_missing(tmp_path: Path) -> None:
    config = read(tmp_path, "\n[mcp_servers.a]\ncomand = 'x'\nargs = []\n")

    assert [(problem.severity, problem.line, problem.key) for problem in config.problems] == [
        ("error", 2, "mcp_servers.a"),
        ("warning", 3, "mcp_servers.a.comand"),
    ]
    assert config.problems[1].remedy == "did you mean `command`?"


@pytest.mark.parametrize(
    "url", ["ftp://h", "h/mcp", "https://", "https://h:99999/", "https://h:0/", "https://[::1", "https://a b/"]
)
def test_given_a_bad_url_then_it_is_an_error_that_does_not_show_the_url(tmp_path: Path, url: str) -> None:
    problem = only(read(tmp_path, f'[mcp_servers.a]\nurl = "{url}"'))

    assert (problem.severity, problem.line, problem.key) == ("error", 2, "mcp_servers.a.url")
    assert url not in problem.message


@pytest.mark.parametrize("name", ["a b", "a.b", "ä", ""])
def test_given_a_bad_name_then_it_is_an_error_on_its_header(tmp_path: Path, name: str) -> None:
    problem = only(read(tmp_path, f'# one\n[mcp_servers."{name}"]\ncommand = "x"'))

    assert (problem.severity, problem.line) == ("error", 2)
    assert "is not a name for a server" in problem.message


@pytest.mark.parametrize(
    ("text", "line", "key", "remedy"),
    [
        (STDIO + "tool_timeout_secs = 3", 5, "mcp_servers.bad.tool_timeout_secs", "did you mean `tool_timeout_sec`?"),
        (
            STDIO + "startupTimeoutSec = 3",
            5,
            "mcp_servers.bad.startupTimeoutSec",
            "did you mean `startup_timeout_sec`?",
        ),
        (STDIO + "zzz = 3", 5, "mcp_servers.bad.zzz", "remove it"),
        (HTTP + "headers = { A = 'b' }", 5, "mcp_servers.bad.headers", "did you mean `http_headers`?"),
        (HTTP + "oauth.clientId = 'x'", 5, "mcp_servers.bad.oauth.clientId", "did you mean `oauth.client_id`?"),
        (STDIO + "scopes = ['a']", 5, "mcp_servers.bad.scopes", "remove it"),
        (STDIO + "[deamon]", 5, "deamon", "did you mean `daemon`?"),
        (STDIO + "[daemon]\nprot = 1", 6, "daemon.prot", "did you mean `port`?"),
    ],
)
def test_given_a_key_without_effect_then_it_is_a_warning_and_every_server_stays(
    tmp_path: Path, text: str, line: int, key: str, remedy: str
) -> None:
    config = read(tmp_path, text)

    problem = only(config)
    assert (problem.severity, problem.line, problem.key) == ("warning", line, key)
    assert remedy in problem.remedy
    assert len(config.servers) == 2


@pytest.mark.parametrize(
    ("text", "line", "key"),
    [
        ("[daemon]\nport = 65536", 2, "daemon.port"),
        ("[daemon]\nport = '1'", 2, "daemon.port"),
        ("[daemon]\nidle_exit_sec = -1", 2, "daemon.idle_exit_sec"),
        ("daemon = 3", 1, "daemon"),
    ],
)
def test_given_a_wrong_daemon_table_then_its_defaults_are_in_force(
    tmp_path: Path, text: str, line: int, key: str
) -> None:
    config = read(tmp_path, text)

    problem = only(config)
    assert (problem.severity, problem.line, problem.key) == ("error", line, key)
    assert (config.daemon.port, config.daemon.idle_exit) == (8377, 1800.0)


@pytest.mark.parametrize(
    ("text", "line"),
    [("a = 1\nb = \n", 2), ("[mcp_servers.a\n", 1), ('a = "x', 1), ("[a]\n[a]\n", 2), ('x = 1\ny = """never', 2)],
)
def test_given_broken_toml_then_there_is_one_problem_with_its_line(tmp_path: Path, text: str, line: int) -> None:
    problem = only(read(tmp_path, text))

    assert (problem.severity, problem.line) == ("error", line)
    assert "is not valid TOML" in problem.message


def test_given_broken_json_then_there_is_one_problem_with_its_line(tmp_path: Path) -> None:
    problem = only(read(tmp_path, '{\n // why\n "mcpServers": {\n  "a" {}\n }}', "x.json"))

    assert (problem.severity, problem.line) == ("error", 4)
    assert "is not valid JSON" in problem.message


def test_given_a_table_of_servers_that_is_none_then_the_table_is_the_problem(tmp_path: Path) -> None:
    problem = only(read(tmp_path, "mcp_servers = 3"))

    assert (problem.severity, problem.line, problem.key) == ("error", 1, "mcp_servers")


def test_given_a_server_that_is_no_table_then_it_is_the_problem(tmp_path: Path) -> None:
    problem = only(read(tmp_path, "[mcp_servers]\na = 'npx'"))

    assert (problem.severity, problem.line, problem.key) == ("error", 2, "mcp_servers.a")


def test_given_many_mistakes_then_all_are_found_at_once_in_the_order_of_the_file(tmp_path: Path) -> None:
    config = read(
        tmp_path,
        '[mcp_servers.a]\ncommand = 1\nretry = "x"\n'
        '[mcp_servers.b]\ncommand = "fine"\n[mcp_servers.c]\nurl = ""\n[new]\n',
    )

    assert [problem.line for problem in config.problems] == [2, 3, 7, 8]
    assert [server.name for server in config.servers] == ["b"]


def test_given_a_keyring_that_cannot_be_asked_then_the_problem_says_why_and_what_to_do(tmp_path: Path) -> None:
    def locked(_name: str) -> str | None:
        raise SecretsError("it is locked", "unlock it")

    file = tmp_path / "config.toml"
    file.write_text("[mcp_servers.a]\ncommand = 'x'\nenv.T = '${keyring:t}'")

    problem = only(load(file, home=tmp_path, environ={}, secret=locked))

    assert (problem.line, problem.key, problem.remedy) == (3, "mcp_servers.a.env.T", "unlock it")
    assert "it is locked" in problem.message


def test_a_problem_prints_as_one_line_with_place_key_message_and_remedy() -> None:
    problem = Problem("error", "f.toml", 3, "a.b", "is wrong", "mend it")

    assert str(problem) == "f.toml:3: a.b: is wrong; mend it"


def test_a_problem_without_line_or_key_prints_without_them() -> None:
    assert str(Problem("error", "f.toml", None, "", "is a folder", "name a file")) == "f.toml: is a folder; name a file"


BROWSER = '[mcp_servers.browser]\ncommand = "npx"\nargs = ["-y", "@playwright/mcp@latest"]\n'


def test_a_server_that_keeps_state_and_is_shared_by_default_is_warned_of_with_the_line_to_add(tmp_path: Path) -> None:
    config = read(tmp_path, '[mcp_servers.plain]\ncommand = "x"\n' + BROWSER)

    problem = only(config)
    assert (problem.severity, problem.line, problem.key) == ("warning", 3, "mcp_servers.browser")
    assert "it drives one browser" in problem.message
    assert 'add `scope = "thread"` under [mcp_servers.browser]' in problem.remedy
    assert [server.name for server in config.servers] == ["plain", "browser"]


@pytest.mark.parametrize("scope", ["thread", "session-tree", "shared"])
def test_a_scope_that_somebody_chose_is_not_warned_of(tmp_path: Path, scope: str) -> None:
    assert read(tmp_path, BROWSER + f'scope = "{scope}"\n').problems == ()


def test_a_server_that_never_starts_is_not_warned_of(tmp_path: Path) -> None:
    assert read(tmp_path, BROWSER + "enabled = false\n").problems == ()


def test_the_line_to_add_is_in_the_language_of_the_file(tmp_path: Path) -> None:
    text = '{"mcpServers": {"browser": {"command": "npx", "args": ["-y", "@playwright/mcp"]}}}'

    assert 'add `"scope": "thread"` to its entry' in only(read(tmp_path, text, "mcp.json")).remedy

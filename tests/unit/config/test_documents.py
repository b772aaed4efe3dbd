"""Files that are not what they should be, and bytes that are nothing at all."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mcpool.config import Config, check, load

NO_ENVIRON: dict[str, str] = {}


def read(file: Path) -> Config:
    return load(file, home=file.parent, environ=NO_ENVIRON, secret=lambda _: None)


def problem_of(file: Path) -> tuple[str, int | None, str]:
    config = read(file)
    assert config.servers == ()
    assert len(config.problems) == 1
    problem = config.problems[0]
    assert problem.file == str(file)
    return problem.severity, problem.line, problem.message


def test_given_a_folder_then_it_is_told(tmp_path: Path) -> None:
    assert problem_of(tmp_path) == ("error", None, "is a folder, not a file")


def test_given_no_such_file_then_it_is_told(tmp_path: Path) -> None:
    assert problem_of(tmp_path / "nope.toml") == ("error", None, "does not exist")


def test_given_a_pipe_then_it_is_told_and_not_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")

    assert problem_of(tmp_path / "pipe") == ("error", None, "is not a regular file")


def test_given_a_file_that_may_not_be_read_then_it_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "config.toml"
    file.touch()

    def refuse(_path: Path) -> bytes:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", refuse)

    assert problem_of(file) == ("error", None, "may not be read by this user")


def test_given_bytes_that_are_not_utf8_then_their_line_is_told(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_bytes(b"# one\n# t\xe4\n")

    assert problem_of(file) == ("error", 2, "is not valid UTF-8")


def test_given_a_file_that_is_too_large_then_it_is_told_and_not_read(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    with file.open("wb") as sparse:
        sparse.truncate(2**31)

    severity, line, message = problem_of(file)
    assert (severity, line) == ("error", None)
    assert "is too large" in message


@pytest.mark.parametrize("text", ["[" * 100_000, '{"a": ' * 100_000])
def test_given_very_deep_nesting_then_it_is_told(tmp_path: Path, text: str) -> None:
    file = tmp_path / "config.json"
    file.write_text(text)

    severity, _, message = problem_of(file)
    assert severity == "error"
    assert "nested too deeply" in message


def test_given_a_json_list_then_it_is_told(tmp_path: Path) -> None:
    file = tmp_path / "mcp.json"
    file.write_text("[]")

    assert problem_of(file) == ("error", 1, "is JSON, but not an object")


@pytest.mark.parametrize("name", ["mcp.json", "config.toml", "noname"])
@pytest.mark.parametrize("text", ["", "\ufeff", " \n"])
def test_an_empty_file_is_an_empty_configuration(tmp_path: Path, name: str, text: str) -> None:
    file = tmp_path / name
    file.write_text(text)

    assert read(file) == Config(path=file)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("servers", '// mine\n{"mcpServers": {"a": {"command": "x"}}}'),
        ("servers", '# mine\n[mcp_servers.a]\ncommand = "x"'),
        ("x.json", '\ufeff{"mcpServers": {"a": {"command": "x"}}}'),
        ("x.toml", '\ufeff[mcp_servers.a]\r\ncommand = "x"\r\n'),
    ],
)
def test_the_syntax_is_recognised_by_name_or_content(tmp_path: Path, name: str, text: str) -> None:
    file = tmp_path / name
    file.write_text(text)

    assert [server.name for server in read(file).servers] == ["a"]


def test_given_a_relative_path_then_relative_folders_in_it_still_become_absolute(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mcp.json").write_text('{"mcpServers": {"a": {"command": "x", "cwd": "w"}}}')
    monkeypatch.chdir(tmp_path)

    transport: Any = load("mcp.json", home=tmp_path, environ={}).servers[0].transport

    assert transport.cwd == str(tmp_path / "w")


SECRET_FILE = """[mcp_servers.a]
command = "x"
args = ["--verbose",
  "--api-key", "abc123def"]
[mcp_servers.a.env]
GITHUB_TOKEN = "ghp_0123456789abcdefghijABCDEFGHIJ012345"
SAFE = "${GITHUB_TOKEN:-}"
"""


def test_given_a_file_that_others_can_read_then_each_secret_in_it_is_a_warning(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text(SECRET_FILE)
    file.chmod(0o644)
    tmp_path.chmod(0o755)

    config = read(file)

    assert [(p.severity, p.line, p.key) for p in config.problems] == [
        ("warning", 4, "mcp_servers.a.args[2]"),
        ("warning", 6, "mcp_servers.a.env.GITHUB_TOKEN"),
    ]
    assert f"chmod 600 {file}" in config.problems[0].remedy
    assert "ghp_" not in "".join(map(str, config.problems))
    assert len(config.servers) == 1


@pytest.mark.parametrize(("file_mode", "folder_mode"), [(0o600, 0o755), (0o644, 0o700)])
def test_given_a_private_file_or_folder_then_secrets_in_it_are_no_problem(
    tmp_path: Path, file_mode: int, folder_mode: int
) -> None:
    file = tmp_path / "config.toml"
    file.write_text(SECRET_FILE)
    file.chmod(file_mode)
    tmp_path.chmod(folder_mode)

    assert read(file).problems == ()


def test_check_tells_errors_first_and_each_kind_in_the_order_of_the_file(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text("[a]\n[mcp_servers.x]\n[b]\n[mcp_servers.y]\n")

    problems = check(None, home=tmp_path, environ=NO_ENVIRON)

    assert [(p.severity, p.line) for p in problems] == [("error", 2), ("error", 4), ("warning", 1), ("warning", 3)]


FUZZ = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
KEYS = st.sampled_from(
    (
        *("mcp_servers", "mcpServers", "mcp", "servers", "context_servers", "projects", "daemon", "a", "b c"),
        *("command", "url", "args", "env", "env_vars", "headers", "http_headers", "oauth", "tools", "type"),
        *("tool_timeout_sec", "enabled", "disabled", "alwaysAllow", "source", "settings", "cwd", "port"),
        *("excluded", "allowed", "scopes", "auth", "autoApprove", "restart_max", "bearer_token"),
    )
)
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=5)
    | st.sampled_from(["${X}", "${keyring:k}", "http://[", "https://h:x", "stdio", "sse", "\ud800", "client"])
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS | st.text(max_size=3), inner, max_size=4),
    max_leaves=12,
)


@FUZZ
@given(raw=st.binary(max_size=300), name=st.sampled_from(["x.toml", "x.json", "x"]))
def test_no_bytes_ever_raise(tmp_path: Path, raw: bytes, name: str) -> None:
    (tmp_path / name).write_bytes(raw)

    assert isinstance(read(tmp_path / name), Config)


@FUZZ
@given(text=st.text(alphabet="[]{}=.,:\"'#${}ab\n\\ 1/*mcp_servers-", max_size=120))
def test_no_garbage_of_the_right_letters_ever_raises(tmp_path: Path, text: str) -> None:
    for name in ("x.toml", "x.json"):
        (tmp_path / name).write_text(text)
        assert isinstance(read(tmp_path / name), Config)


@FUZZ
@given(data=st.dictionaries(KEYS, VALUES, max_size=4))
def test_no_values_of_whatever_shape_ever_raise(tmp_path: Path, data: dict[str, Any]) -> None:
    config = load(data, home=tmp_path, environ=NO_ENVIRON, secret=lambda _: None)

    # What is left must be usable: printable problems, and values that can be compared and hashed.
    assert all(str(problem) for problem in config.problems)
    hash(config.servers)


def test_given_keys_that_are_not_text_then_it_is_told(tmp_path: Path) -> None:
    source: Any = {1: {"command": "x"}}

    assert [problem.severity for problem in load(source, home=tmp_path, environ={}).problems] == ["error"]

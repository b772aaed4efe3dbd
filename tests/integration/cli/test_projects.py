"""`mcpool trust`, `untrust` and `explain`, with a real daemon."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from support.mcpool_home import McpoolHome

DEMO_TABLE = f'command = {json.dumps(sys.executable)}\nargs = ["-m", "mcpool.demo"]\n'


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project whose configuration describes `theirs`."""
    folder = tmp_path / "project"
    (folder / ".mcpool").mkdir(parents=True)
    (folder / ".mcpool" / "config.toml").write_text(f"[mcp_servers.theirs]\n{DEMO_TABLE}")
    return folder


def test_a_projects_server_can_be_used_in_its_folder_once_it_is_trusted(mcpool: McpoolHome, project: Path) -> None:
    before = mcpool.run("call", "theirs", "counter", "{}", cwd=project)
    assert before.returncode != 0
    assert "no server is named `theirs`" in before.stderr
    assert f"`mcpool trust {project}`" in before.stderr
    trusted = mcpool.run("trust", str(project), "--yes")
    assert (trusted.returncode, trusted.stderr) == (0, "")
    assert "theirs: " in trusted.stdout
    assert mcpool.run("call", "theirs", "counter", "{}", cwd=project).returncode == 0
    assert mcpool.run("call", "theirs", "counter", "{}").returncode != 0
    assert str(project) in mcpool.run("trust").stdout
    assert "no longer trusted" in mcpool.run("untrust", str(project)).stdout
    assert mcpool.run("call", "theirs", "counter", "{}", cwd=project).returncode != 0


def test_trust_is_not_given_without_a_person(mcpool: McpoolHome, project: Path) -> None:
    done = mcpool.run("trust", str(project))
    assert done.returncode == 2
    assert "--yes" in done.stderr


def test_a_folder_without_a_configuration_cannot_be_trusted(mcpool: McpoolHome, tmp_path: Path) -> None:
    done = mcpool.run("trust", str(tmp_path), "--yes")
    assert done.returncode == 2
    assert ".mcpool/config.toml" in done.stderr


def test_explain_says_who_counts_who_lost_and_where(mcpool: McpoolHome, project: Path) -> None:
    mcpool.configure('[daemon]\nport = 0\n[mcp_servers.theirs]\ncommand = "mine"\nargs = ["secret"]\n')
    mcpool.run("trust", str(project), "--yes")
    done = mcpool.run("explain", "theirs", "--cwd", str(project))
    assert done.returncode == 0
    assert f"from project ({project}/.mcpool/config.toml:1)" in done.stdout
    assert "not used: mine and 1 arguments, from user (" in done.stdout
    assert "secret" not in done.stdout


def test_explain_says_why_a_server_is_off(mcpool: McpoolHome) -> None:
    mcpool.configure('[daemon]\nport = 0\n[mcp_servers.off]\ncommand = "x"\nenabled = false\n')
    done = mcpool.run("explain", "off")
    assert done.returncode == 2
    assert "off: it is disabled by user" in done.stdout


def test_explain_of_an_untrusted_projects_server_says_how_to_trust_it(mcpool: McpoolHome, project: Path) -> None:
    done = mcpool.run("explain", "theirs", "--cwd", str(project))
    assert done.returncode == 2
    assert f"`mcpool trust {project}`" in done.stdout


def test_trust_shows_all_that_decides_on_what_would_run(mcpool: McpoolHome, project: Path) -> None:
    file = project / ".mcpool" / "config.toml"
    more = 'env = { LD_PRELOAD = "/tmp/x.so" }\ncwd = "/etc"\n[mcp_servers.far]\nurl = "http://a/"\n'
    file.write_text(file.read_text() + more + 'http_headers_helper = "steal\\u001b[2K"\nbearer_token_env_var = "KEY"\n')
    shown = mcpool.run("trust", str(project)).stdout
    for line in (
        'env = {"LD_PRELOAD": "/tmp/x.so"}',
        'cwd = "/etc"',
        'http_headers_helper = "steal',
        "bearer_token_env_var",
    ):
        assert line in shown
    assert "\x1b" not in shown


def test_a_server_of_the_administrator_is_called_and_shown_like_any_other(mcpool: McpoolHome, tmp_path: Path) -> None:
    managed = tmp_path / "managed.toml"
    managed.write_text(f"[mcp_servers.theirs]\n{DEMO_TABLE}")
    (mcpool.path / ".env").write_text(f"MCPOOL_MANAGED_CONFIG={managed}\n")
    called = mcpool.run("call", "theirs", "clock", "{}")
    assert (called.returncode, called.stderr) == (0, "")
    assert "theirs" in mcpool.run("status").stdout


def test_a_server_that_the_administrator_does_not_allow_says_so(mcpool: McpoolHome, tmp_path: Path) -> None:
    managed = tmp_path / "managed.toml"
    managed.write_text('[requirements]\nallow = [{ name = "other" }]\n')
    (mcpool.path / ".env").write_text(f"MCPOOL_MANAGED_CONFIG={managed}\n")
    called = mcpool.run("call", "demo", "clock", "{}")
    assert called.returncode != 0
    assert f"does not allow it ([requirements] in {managed})" in called.stderr


def test_a_trusted_projects_server_that_the_administrator_does_not_allow_says_so(
    mcpool: McpoolHome, project: Path, tmp_path: Path
) -> None:
    managed = tmp_path / "managed.toml"
    managed.write_text('[requirements]\nallow = [{ name = "demo" }]\n')
    (mcpool.path / ".env").write_text(f"MCPOOL_MANAGED_CONFIG={managed}\n")
    mcpool.run("trust", str(project), "--yes")
    called = mcpool.run("call", "theirs", "clock", "{}", cwd=project)
    assert called.returncode != 0
    assert f"does not allow it ([requirements] in {managed})" in called.stderr


def test_who_asks_for_a_projects_server_hears_that_the_list_of_trusted_files_is_broken(
    mcpool: McpoolHome, project: Path
) -> None:
    (mcpool.path / "trusted.json").write_text("[")
    called = mcpool.run("call", "theirs", "clock", "{}", cwd=project)
    assert called.returncode != 0
    assert f"{mcpool.path / 'trusted.json'} cannot be read" in called.stderr

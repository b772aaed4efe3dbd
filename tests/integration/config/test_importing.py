"""Importing other hosts' files into ours."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from mcpool.config import load
from mcpool.config.import_plan import ImportPlan, with_keyring
from mcpool.config.importing import plan_import
from mcpool.config.merging import apply_import
from mcpool.config.server import CLIENT_CWD, ServerConfig, Stdio
from mcpool.errors import ConfigError

SAMPLES = Path(__file__).parents[2] / "unit" / "config" / "samples"
"""Realistic copies of the files in which other hosts keep their servers."""


def sample(name: str) -> str:
    return (SAMPLES / name).read_text()


PLACES = {
    ".config/Claude/claude_desktop_config.json": sample("claude_desktop.json"),
    ".claude.json": sample("claude_code.json"),
    ".cursor/mcp.json": sample("cursor.json"),
    ".config/Code/User/mcp.json": sample("vscode.jsonc"),
    ".config/Code/User/settings.json": sample("vscode_settings.json"),
    ".gemini/settings.json": sample("gemini.json"),
    ".codeium/windsurf/mcp_config.json": sample("windsurf.json"),
    ".config/zed/settings.json": sample("zed.jsonc"),
    ".config/opencode/opencode.json": sample("opencode.json"),
    ".codex/config.toml": sample("codex.toml"),
    ".config/Code/User/globalStorage/saoudrizwan.claude-dev/settings/cline_mcp_settings.json": sample("cline.json"),
    "web/.mcp.json": sample("project_mcp.json"),
}
ENVIRON = {name: f"value of {name}" for name in ("MY_API_KEY", "TOOLS_KEY", "FIGMA", "LOG_LEVEL", "JIRA", "DOCS_TOKEN")}


class Machine:
    """A user's home folder, with a project `web` in it."""

    def __init__(self, home: Path) -> None:
        self.home = home

    def has(self, place: str, text: str) -> Path:
        file = self.home / place
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        file.chmod(0o600)
        return file

    def plan(self, *paths: Path, current: str = "") -> ImportPlan:
        cwd = self.home / "web"
        return plan_import(paths or None, current, user_home=self.home, cwd=cwd, platform="linux")

    def imported(self, *paths: Path, current: str = "") -> dict[str, ServerConfig]:
        return self.loaded(apply_import(self.plan(*paths, current=current), current))

    def loaded(self, text: str) -> dict[str, ServerConfig]:
        file = self.has("our/config.toml", text)
        environ = {**ENVIRON, "HOME": str(self.home)}
        config = load(file, home=self.home, environ=environ, secret=lambda name: f"secret {name}")
        assert config.problems == ()
        return {server.name: server for server in config.servers}


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def stdio(server: ServerConfig) -> Stdio:
    assert isinstance(server.transport, Stdio)
    return server.transport


def servers(**definitions: str) -> str:
    return '{"mcpServers": {%s}}' % ", ".join(f'"{name}": {text}' for name, text in definitions.items())  # noqa: UP031


def test_every_known_host_is_found_and_imported_without_errors_of_ours(machine: Machine) -> None:
    for place, text in PLACES.items():
        machine.has(place, text)

    plan = machine.plan()
    imported = machine.loaded(apply_import(plan, ""))

    assert len(plan.files) == len(PLACES)
    assert [(p.severity, p.key) for p in plan.problems if p.severity == "error"] == [
        ("error", "mcpServers.old.type"),
    ]
    assert set(imported) == {addition.name for addition in plan.added}
    assert {"filesystem", "github", "sentry", "db", "my-server", "perplexity", "figma", "hexdocs", "jira"} <= set(
        imported
    )


@pytest.mark.parametrize("place", PLACES)
def test_an_imported_server_loads_as_the_same_server_as_before(machine: Machine, place: str) -> None:
    file = machine.has(place, PLACES[place])
    environ = {**ENVIRON, "HOME": str(machine.home)}
    before = load(file, home=machine.home, environ=environ, secret=lambda name: f"secret {name}").servers

    plan = machine.plan(file)
    after = machine.loaded(apply_import(plan, ""))

    assert [addition.original_name for addition in plan.added] == [server.name for server in before]
    for addition, server in zip(plan.added, before, strict=True):
        # The working folder is the one thing that an import decides for itself.
        assert without_folder(after[addition.name]) == without_folder(server)


def without_folder(server: ServerConfig) -> ServerConfig:
    from dataclasses import replace

    if isinstance(server.transport, Stdio):
        return replace(server, transport=replace(server.transport, cwd=CLIENT_CWD))
    return server


def test_an_import_that_is_repeated_adds_nothing(machine: Machine) -> None:
    for place, text in PLACES.items():
        machine.has(place, text)
    first = apply_import(machine.plan(), "")

    again = machine.plan(current=first)

    assert again.added == ()
    assert apply_import(again, first) == first


def test_an_import_that_is_repeated_after_its_secrets_moved_to_the_keyring_adds_nothing(machine: Machine) -> None:
    machine.has(".cursor/mcp.json", servers(a='{"command": "x", "env": {"API_KEY": "k1"}}'))
    machine.has(".gemini/settings.json", servers(a='{"command": "x", "env": {"API_KEY": "k2"}}'))
    plan, _ = with_keyring(machine.plan())
    text = apply_import(plan, "")

    assert len(plan.added) == 2
    assert machine.plan(current=text).added == ()


def test_equal_definitions_of_two_hosts_become_one(machine: Machine) -> None:
    machine.has(".cursor/mcp.json", servers(a='{"command": "x", "args": ["y"]}'))
    gemini = machine.has(".gemini/settings.json", servers(a='{"args": ["y"], "command": "x", "env": {}}'))

    (added,) = machine.plan().added

    assert (added.name, added.host, added.also_in) == ("a", "Cursor", (f"Gemini CLI ({gemini})",))


def test_equal_definitions_become_one_whatever_their_names(machine: Machine) -> None:
    machine.has(".cursor/mcp.json", servers(fs='{"command": "x"}'))
    machine.has(".gemini/settings.json", servers(files='{"command": "x"}'))

    assert set(machine.imported()) == {"fs"}


def test_equal_definitions_in_one_file_stay_two(machine: Machine) -> None:
    machine.has(".cursor/mcp.json", servers(one='{"command": "x"}', two='{"command": "x"}'))

    assert set(machine.imported()) == {"one", "two"}


def test_different_definitions_of_one_name_are_both_kept_and_the_later_is_named_after_its_host(
    machine: Machine,
) -> None:
    machine.has(".cursor/mcp.json", servers(a='{"command": "x"}'))
    machine.has(".gemini/settings.json", servers(a='{"command": "y"}'))

    plan = machine.plan()

    assert [(addition.name, addition.original_name) for addition in plan.added] == [("a", "a"), ("a-gemini", "a")]
    assert "is called `a-gemini`: another server is called `a`" in plan.added[1].notes


def test_different_definitions_in_files_of_no_known_host_are_numbered(machine: Machine) -> None:
    files = [machine.has(f"{n}.json", servers(a=f'{{"command": "x{n}"}}')) for n in range(3)]

    assert list(machine.imported(*files)) == ["a", "a-2", "a-3"]


def test_our_own_servers_keep_their_names_and_are_not_added_again(machine: Machine) -> None:
    current = f'[mcp_servers.a]\ncommand = "mine"\n[mcp_servers.b]\ncommand = "x"\ncwd = "{machine.home}"\n'
    machine.has(".cursor/mcp.json", servers(a='{"command": "theirs"}', other='{"command": "x"}'))

    plan = machine.plan(current=current)

    assert [addition.name for addition in plan.added] == ["a-cursor"]
    assert [(skipped.name, skipped.reason) for skipped in plan.skipped] == [("other", "is already configured as `b`")]


def test_the_name_of_a_broken_server_of_ours_is_not_used_again(machine: Machine) -> None:
    machine.has(".cursor/mcp.json", servers(a='{"command": "x"}'))

    plan = machine.plan(current="[mcp_servers.a]\ncommand = 3\n")

    assert [addition.name for addition in plan.added] == ["a-cursor"]


def test_what_reaches_mcpool_itself_is_not_imported(machine: Machine) -> None:
    machine.has(
        ".cursor/mcp.json",
        servers(
            shim='{"command": "mcpool", "args": ["connect", "git"]}',
            path='{"command": "/home/ada/.local/bin/mcpool", "args": ["connect"]}',
            runner='{"command": "uvx", "args": ["mcpool", "connect"]}',
            web='{"url": "http://127.0.0.1:8377/mcp"}',
            real='{"command": "x"}',
        ),
    )

    plan = machine.plan()

    assert [addition.name for addition in plan.added] == ["real"]
    assert {skipped.reason for skipped in plan.skipped} == {"is mcpool itself"}


def test_approvals_in_advance_stay_only_where_both_hosts_give_them(machine: Machine) -> None:
    machine.has(".cursor/mcp.json", servers(a='{"command": "x", "alwaysAllow": ["rm"]}'))
    machine.has(".gemini/settings.json", servers(a='{"command": "x"}'))

    assert machine.imported()["a"].tools == ()


def test_a_server_that_is_on_in_one_host_is_on(machine: Machine) -> None:
    machine.has(".cursor/mcp.json", servers(a='{"command": "x", "disabled": true}'))
    machine.has(".gemini/settings.json", servers(a='{"command": "x"}'))

    assert machine.imported()["a"].enabled


def test_a_users_server_without_relative_paths_runs_in_the_users_home(machine: Machine) -> None:
    machine.has(".cursor/mcp.json", servers(a='{"command": "npx", "args": ["-y", "@scope/pkg"]}'))

    assert stdio(machine.imported()["a"]).cwd == str(machine.home)


def test_a_users_server_with_a_relative_path_follows_the_client(machine: Machine) -> None:
    machine.has(".cursor/mcp.json", servers(a='{"command": "srv", "args": ["."]}'))

    assert stdio(machine.imported()["a"]).cwd == CLIENT_CWD


def test_a_projects_server_follows_the_client_unless_its_path_is_in_the_project(machine: Machine) -> None:
    machine.has("web/.mcp.json", sample("project_mcp.json"))

    imported = machine.imported()

    assert stdio(imported["time"]).cwd == CLIENT_CWD
    assert stdio(imported["local"]).cwd == str(machine.home / "web")


def test_a_folder_that_was_written_is_kept(machine: Machine) -> None:
    machine.has(".cursor/mcp.json", servers(a='{"command": "x", "cwd": "/srv"}', b='{"command": "y", "cwd": "~/w"}'))

    imported = machine.imported()

    assert (stdio(imported["a"]).cwd, stdio(imported["b"]).cwd) == ("/srv", f"{machine.home}/w")


def test_a_folder_that_was_meant_to_follow_the_client_does(machine: Machine) -> None:
    machine.has(".config/Code/User/mcp.json", '{"servers": {"a": {"command": "x", "cwd": "${workspaceFolder}"}}}')

    assert stdio(machine.imported()["a"]).cwd == CLIENT_CWD


def test_secrets_are_offered_and_can_go_to_the_keyring(machine: Machine) -> None:
    machine.has(".config/Claude/claude_desktop_config.json", sample("claude_desktop.json"))
    plan = machine.plan()

    moved, stored = with_keyring(plan)

    token = "ghp_0123456789abcdefghijABCDEFGHIJ012345"
    assert [secret.name for secret in plan.secrets] == ["github/GITHUB_PERSONAL_ACCESS_TOKEN"]
    assert stored == {"github/GITHUB_PERSONAL_ACCESS_TOKEN": token}
    assert moved.secrets == ()
    assert token in apply_import(plan, "")
    text = apply_import(moved, "")
    assert token not in text
    assert 'GITHUB_PERSONAL_ACCESS_TOKEN = "${keyring:github/GITHUB_PERSONAL_ACCESS_TOKEN}"' in text


def test_how_a_server_is_reached_is_shown_without_its_secrets(machine: Machine) -> None:
    machine.has(
        ".cursor/mcp.json",
        servers(web='{"url": "https://h/mcp?apiKey=abc"}', run='{"command": "x", "args": ["a b", "--token=t0p"]}'),
    )

    assert [addition.essence for addition in machine.plan().added] == [
        "https://h/mcp?apiKey=${keyring:web/apiKey}",
        "x 'a b' '--token=${keyring:run/token}'",
    ]


def test_an_input_of_an_editor_becomes_a_name_in_the_keyring(machine: Machine) -> None:
    machine.has("web/.vscode/mcp.json", sample("vscode.jsonc"))

    plan = machine.plan()

    assert stdio(machine.loaded(apply_import(plan, ""))["perplexity"]).env[0] == (
        "PERPLEXITY_API_KEY",
        "secret perplexity-key",
    )
    assert any("keyring set mcpool perplexity-key" in note for note in plan.added[0].notes)


def test_a_folder_is_searched_as_a_project(machine: Machine) -> None:
    machine.has("other/.mcp.json", servers(a='{"command": "x"}'))

    assert set(machine.imported(machine.home / "other")) == {"a"}


@pytest.mark.parametrize("name", ["nope.json", "empty"])
def test_a_path_without_anything_to_import_is_a_problem(machine: Machine, name: str) -> None:
    (machine.home / "empty").mkdir()

    plan = machine.plan(machine.home / name)

    assert [(p.severity, p.file) for p in plan.problems] == [("error", str(machine.home / name))]


def test_a_file_with_an_unknown_reference_is_told_when_it_is_imported(machine: Machine) -> None:
    machine.has(".cursor/mcp.json", servers(a='{"command": "x", "env": {"A": "${file:/x}"}}'))

    plan = machine.plan()

    assert plan.added == ()
    assert [(p.severity, p.key) for p in plan.problems] == [("error", "mcpServers.a.env.A")]


def test_given_a_broken_file_of_ours_then_nothing_is_planned_and_its_line_is_told(machine: Machine) -> None:
    machine.has(".cursor/mcp.json", servers(a='{"command": "x"}'))

    plan = machine.plan(current="a = 1\nb =\n")

    assert plan.added == ()
    assert [(p.severity, p.line) for p in plan.problems] == [("error", 2)]
    with pytest.raises(ConfigError, match="is not valid TOML"):
        apply_import(plan, "a = 1\nb =\n")


OURS = """\
# my servers, by hand
title = "x"   # odd spacing  kept

[daemon]
port=9999

  [mcp_servers.mine]   # indented
  command = 'x'
  args = [ "a",
     "b" ] # end"""


@pytest.mark.parametrize("ours", [OURS, OURS + "\n", OURS + "\n\n\n", OURS.replace("\n", "\r\n"), "\ufeff" + OURS, ""])
def test_what_is_there_stays_byte_for_byte_and_in_front(machine: Machine, ours: str) -> None:
    machine.has(".cursor/mcp.json", servers(a='{"command": "x"}'))

    text = apply_import(machine.plan(current=ours), ours)

    assert text.startswith(ours)
    assert ("\r\n" in ours) == ("\r\n" in text)
    assert "a" in tomllib.loads(text.removeprefix("\ufeff"))["mcp_servers"]


@pytest.mark.parametrize(
    "ours",
    [
        'mcp_servers = { mine = { command = "x" } } # one line\n',
        'mcp_servers.mine.command = "x" # dotted\n',
        '[mcp_servers]\nmine = { command = "x" } # inline\n',
        '[mcp_servers]\nmine.command = "x"\n[other]\n',
    ],
)
def test_every_way_to_write_our_table_can_be_added_to(machine: Machine, ours: str) -> None:
    machine.has(".cursor/mcp.json", servers(a='{"command": "x", "env": {"A": "1"}}'))

    text = apply_import(machine.plan(current=ours), ours)

    assert set(tomllib.loads(text)["mcp_servers"]) == {"mine", "a"}
    assert [comment in text for comment in ("# one line", "# dotted", "# inline") if comment in ours] in ([True], [])


def test_what_is_added_names_where_it_came_from(machine: Machine) -> None:
    file = machine.has(".cursor/mcp.json", servers(a='{"command": "x", "args": ["y"], "env": {"A b": "1"}}'))

    assert apply_import(machine.plan(), "") == (
        f"# from Cursor: {file}\n"
        "[mcp_servers.a]\n"
        'command = "x"\n'
        'args = ["y"]\n'
        f'cwd = "{machine.home}"\n'
        "\n"
        "[mcp_servers.a.env]\n"
        '"A b" = "1"\n'
    )


def test_given_a_file_that_changed_since_the_plan_then_nothing_is_overwritten(machine: Machine) -> None:
    machine.has(".cursor/mcp.json", servers(a='{"command": "x"}'))
    plan = machine.plan()

    with pytest.raises(ConfigError, match="since the import was planned"):
        apply_import(plan, '[mcp_servers.a]\ncommand = "new"\n')


def test_a_server_that_keeps_state_is_imported_with_a_process_for_each_thread(machine: Machine) -> None:
    machine.has(".cursor/mcp.json", servers(browser='{"command": "npx", "args": ["-y", "@playwright/mcp"]}'))

    plan = machine.plan()
    (added,) = plan.added
    browser = machine.loaded(apply_import(plan, ""))["browser"]

    assert (browser.scope, stdio(browser).cwd) == ("thread", CLIENT_CWD)
    assert any("it drives one browser" in note for note in added.notes)
    assert machine.plan(current=apply_import(plan, "")).added == ()


def test_a_scope_that_was_chosen_there_is_kept(machine: Machine) -> None:
    entry = '{"command": "npx", "args": ["-y", "@playwright/mcp"], "scope": "shared"}'
    machine.has(".cursor/mcp.json", servers(browser=entry))

    assert machine.imported()["browser"].scope == "shared"

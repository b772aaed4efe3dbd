"""The commands that use and steer a daemon, from a shell's point of view."""

from __future__ import annotations

import json
import signal
import sys
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest

from support.fake_daemon import Shim
from support.mcpool_home import DEMO, McpoolHome

# A server whose tool `good` says one thing and whose tool `bad` always fails.
SERVER = """
import json, sys
for line in sys.stdin:
    message = json.loads(line)
    if "id" not in message:
        continue
    method, params = message["method"], message.get("params", {})
    if method == "initialize":
        info = {"name": "small", "version": "1"}
        result = {"protocolVersion": "2025-11-25", "capabilities": {"tools": {}}, "serverInfo": info}
    elif method == "tools/list":
        result = {"tools": [{"name": name, "inputSchema": {"type": "object"}} for name in ("good", "bad")]}
    elif method == "tools/call":
        bad = params["name"] == "bad"
        text = "no luck" if bad else "plain\\ntext"
        result = {"content": [{"type": "text", "text": text}], "isError": bad}
    else:
        result = None
    answer = {"result": result} if result else {"error": {"code": -32601, "message": "unknown"}}
    print(json.dumps({"jsonrpc": "2.0", "id": message["id"], **answer}), flush=True)
"""


@pytest.fixture
def small(mcpool: McpoolHome) -> McpoolHome:
    """A home in which `small` is that server."""
    file = mcpool.path / "small.py"
    file.write_text(SERVER)
    command, script = json.dumps(sys.executable), json.dumps([str(file)])
    mcpool.configure(f"[daemon]\nport = 0\n[mcp_servers.small]\ncommand = {command}\nargs = {script}\n")
    return mcpool


class TestCall:
    def test_text_is_printed_plain(self, small: McpoolHome) -> None:
        done = small.run("call", "small", "good")
        assert (done.returncode, done.stdout, done.stderr) == (0, "plain\ntext\n", "")

    def test_where_tools_are_searched_for_one_can_be_called_by_its_name(self, mcpool: McpoolHome) -> None:
        demo = "demo?tools=search"
        assert mcpool.run("call", demo, "counter").returncode == 0
        assert '"counter"' in mcpool.run("call", demo, "find_tools", '{"query": "counter"}').stdout
        assert mcpool.run("call", demo, "countess").returncode == 2

    def test_as_json_the_whole_result_is_printed(self, mcpool: McpoolHome) -> None:
        done = mcpool.run("call", "--json", "demo", "counter", '{"add": 2}')
        assert json.loads(done.stdout)["structuredContent"]["value"] == 2

    def test_arguments_can_come_from_stdin(self, mcpool: McpoolHome) -> None:
        done = mcpool.run("call", "--json", "demo", "counter", "-", stdin='{"add": 3}')
        assert json.loads(done.stdout)["structuredContent"]["value"] == 3

    def test_progress_goes_to_stderr(self, mcpool: McpoolHome) -> None:
        done = mcpool.run("call", "demo", "slow", '{"seconds": 0.02, "steps": 2}')
        assert done.stderr.splitlines()[-1].startswith("2/2")
        assert "2/2" not in done.stdout

    def test_a_tool_that_reports_an_error_is_exit_code_1_and_says_it_on_stderr(self, small: McpoolHome) -> None:
        done = small.run("call", "small", "bad")
        assert (done.returncode, done.stdout, done.stderr) == (1, "", "no luck\n")

    def test_a_server_that_does_not_start_is_exit_code_3(self, mcpool: McpoolHome) -> None:
        mcpool.configure('[daemon]\nport = 0\n[mcp_servers.broken]\ncommand = "no-such-command"\n')
        done = mcpool.run("call", "broken", "x")
        assert done.returncode == 3
        assert "no-such-command" in done.stderr

    def test_a_daemon_that_dies_during_the_call_is_exit_code_4(self, mcpool: McpoolHome) -> None:
        """Invariant 6: it may have run, and is not run again."""
        calling = mcpool.start("call", "demo", "slow", '{"seconds": 30, "steps": 100}')
        assert calling.stderr is not None
        assert calling.stderr.readline().startswith("1/100")
        mcpool.kill()
        assert "may or may not have run" in calling.stderr.read()
        assert calling.wait() == 4

    def test_ctrl_c_is_exit_code_130_and_the_server_is_told(self, mcpool: McpoolHome) -> None:
        calling = mcpool.start("call", "demo", "slow", '{"seconds": 30, "steps": 100}')
        assert calling.stderr is not None
        assert calling.stderr.readline().startswith("1/100")
        calling.send_signal(signal.SIGINT)
        assert calling.wait() == 130
        assert [row["in_flight"] for row in mcpool.status()["servers"]] == [0]

    def test_no_answer_in_time_is_exit_code_5(self, mcpool: McpoolHome) -> None:
        done = mcpool.run("call", "--timeout", "0.1", "demo", "slow", '{"seconds": 60}')
        assert done.returncode == 5

    @pytest.mark.parametrize(
        ("arguments", "said"),
        [
            (("demo", "clok"), "did you mean `clock`?"),
            (("demmo", "clock"), "did you mean `demo`?"),
            (("demo", "clock", "{"), "not JSON"),
            (("demo", "clock", "[]"), "must be a JSON object"),
        ],
    )
    def test_a_slip_is_exit_code_2_and_one_helpful_sentence(
        self, mcpool: McpoolHome, arguments: tuple[str, ...], said: str
    ) -> None:
        done = mcpool.run("call", *arguments)
        assert done.returncode == 2
        assert said in done.stderr
        assert done.stderr.count("\n") == 1


class TestTools:
    def test_tools_are_listed_with_their_arguments(self, mcpool: McpoolHome) -> None:
        done = mcpool.run("tools")
        assert done.returncode == 0
        assert "demo (4)" in done.stdout
        assert "clock" in done.stdout

    def test_as_json_the_definitions_come_by_server(self, mcpool: McpoolHome) -> None:
        tools = json.loads(mcpool.run("tools", "--json", "demo").stdout)
        assert {tool["name"] for tool in tools["demo"]} == {"clock", "counter", "search", "slow"}

    def test_what_clients_by_shim_are_offered_less_is_listed_all_the_same(
        self, mcpool: McpoolHome, connect: Callable[..., Shim]
    ) -> None:
        mcpool.configure(f'{DEMO}\n[clients.local]\ntools = "search"\nservers = []\n')
        names = [tool["name"] for tool in json.loads(mcpool.run("tools", "--json").stdout)["demo"]]
        assert names == ["clock", "counter", "search", "slow"]
        shim = connect()
        shim.request(
            1, "initialize", protocolVersion="2025-11-25", capabilities={}, clientInfo={"name": "c", "version": "1"}
        )
        shim.receive()
        shim.request(2, "tools/list")
        assert [tool["name"] for tool in shim.receive()["result"]["tools"]] == ["find_tools", "call_tool"]

    def test_a_broken_server_hides_no_other_and_is_exit_code_3(self, mcpool: McpoolHome) -> None:
        mcpool.configure(DEMO + '[mcp_servers.broken]\ncommand = "no-such-command"\n')
        done = mcpool.run("tools")
        assert done.returncode == 3
        assert "demo (4)" in done.stdout
        assert "no-such-command" in done.stderr


class TestStatus:
    def test_without_a_daemon_it_says_so_and_is_exit_code_3(self, mcpool: McpoolHome) -> None:
        done = mcpool.run("status")
        assert done.returncode == 3
        assert "no mcpool daemon runs" in done.stderr

    def test_as_json_it_has_the_documented_keys_first(self, mcpool: McpoolHome) -> None:
        mcpool.run("call", "demo", "clock")
        status = mcpool.status()
        assert list(status)[:5] == ["endpoint", "token_file", "socket", "pid", "servers"]
        assert list(status["servers"][0])[:10] == [
            "name",
            "state",
            "pid",
            "generation",
            "restarts",
            "leases",
            "in_flight",
            "scope",
            "cwd",
            "last_error",
        ]

    def test_a_server_that_failed_is_shown_with_its_reason(self, mcpool: McpoolHome) -> None:
        mcpool.configure('[daemon]\nport = 0\n[mcp_servers.broken]\ncommand = "no-such-command"\n')
        mcpool.run("tools")
        assert "no-such-command" in mcpool.run("status").stdout

    def test_a_client_over_http_counts_between_its_requests_too(self, mcpool: McpoolHome) -> None:
        mcpool.run("up", "--detach")
        assert "0 clients" in mcpool.run("status").stdout
        record = mcpool.record()
        params = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}
        request = urllib.request.Request(
            record["endpoint"] + "/demo",
            json.dumps({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params}).encode(),
            {
                "Authorization": f"Bearer {Path(record['token_file']).read_text()}",
                "Content-Type": "application/json",
                "Accept": "application/json, text/event-stream",
            },
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            assert answer.status == 200
        assert "1 client" in mcpool.run("status").stdout

    def test_a_second_process_is_explained_with_the_line_that_makes_it_one(self, mcpool: McpoolHome) -> None:
        for name in ("one", "two"):
            (folder := mcpool.path / name).mkdir()
            mcpool.run("call", "demo", "clock", cwd=folder)
        assert f'`cwd = "{mcpool.path / "one"}"`' in mcpool.run("status").stdout

    def test_it_holds_no_secret(self, mcpool: McpoolHome) -> None:
        mcpool.configure(DEMO + 'env = { API_KEY = "sk-very-secret-value" }\n')
        mcpool.run("call", "demo", "clock")
        assert "sk-very-secret-value" not in mcpool.run("status", "--json").stdout


class TestSteering:
    def test_apply_takes_up_a_new_server_and_keeps_what_runs(self, mcpool: McpoolHome) -> None:
        mcpool.run("call", "demo", "clock")
        before = mcpool.pids()
        mcpool.configure(DEMO + '[mcp_servers.second]\ncommand = "cat"\n')
        assert mcpool.run("apply").returncode == 0
        assert mcpool.pids() == before
        assert [row["name"] for row in mcpool.status()["servers"]] == ["demo", "second"]

    def test_apply_with_no_more_than_a_warning_is_exit_code_0(self, mcpool: McpoolHome) -> None:
        mcpool.run("up", "--detach")
        mcpool.configure(DEMO + "colour = 3\n")
        done = mcpool.run("apply")
        assert (done.returncode, "mcp_servers.demo.colour" in done.stderr) == (0, True)

    def test_apply_tells_what_is_wrong_and_is_exit_code_2(self, mcpool: McpoolHome) -> None:
        mcpool.run("call", "demo", "clock")
        mcpool.configure(DEMO + "[mcp_servers.second]\ncommand = 3\n")
        done = mcpool.run("apply")
        assert done.returncode == 2
        assert "mcp_servers.second.command" in done.stderr

    def test_reconnect_gives_a_server_a_fresh_process(self, mcpool: McpoolHome) -> None:
        mcpool.run("call", "demo", "clock")
        before = mcpool.pids()
        assert mcpool.run("reconnect", "demo").returncode == 0
        mcpool.run("call", "demo", "clock")
        assert mcpool.pids() != before

    def test_reconnect_of_an_unknown_server_says_so(self, mcpool: McpoolHome) -> None:
        mcpool.run("call", "demo", "clock")
        done = mcpool.run("reconnect", "nope")
        assert done.returncode != 0
        assert "`nope`" in done.stderr

    @pytest.mark.parametrize("command", [("apply",), ("reload",), ("reconnect", "demo")])
    def test_without_a_daemon_there_is_nothing_to_steer(self, mcpool: McpoolHome, command: tuple[str, ...]) -> None:
        done = mcpool.run(*command)
        assert done.returncode == 3
        assert "no mcpool daemon" in done.stderr

    def test_stop_without_a_daemon_is_fine(self, mcpool: McpoolHome) -> None:
        assert mcpool.run("stop").returncode == 0


class TestTokens:
    def test_a_new_token_is_printed_alone_and_can_be_shown_again(self, mcpool: McpoolHome) -> None:
        made = mcpool.run("token", "new", "laptop")
        assert made.returncode == 0
        assert mcpool.run("token", "show", "laptop").stdout == made.stdout
        assert "laptop" in mcpool.run("token", "list").stdout

    def test_a_name_is_given_once(self, mcpool: McpoolHome) -> None:
        mcpool.run("token", "new", "laptop")
        assert mcpool.run("token", "new", "laptop").returncode == 2

    def test_a_revoked_token_is_gone(self, mcpool: McpoolHome) -> None:
        mcpool.run("token", "new", "laptop")
        assert mcpool.run("token", "revoke", "laptop").returncode == 0
        assert mcpool.run("token", "show", "laptop").returncode == 2

    def test_an_unknown_one_cannot_be_revoked(self, mcpool: McpoolHome) -> None:
        assert mcpool.run("token", "revoke", "laptop").returncode == 2


class TestConfiguring:
    def test_a_sound_configuration_is_exit_code_0(self, mcpool: McpoolHome) -> None:
        done = mcpool.run("config", "check")
        assert done.returncode == 0
        assert "1 server can be used, 0 errors, 0 warnings" in done.stdout

    def test_a_disabled_server_does_not_count_as_usable(self, mcpool: McpoolHome) -> None:
        mcpool.configure(DEMO + '[mcp_servers.off]\ncommand = "cat"\nenabled = false\n')
        assert "1 server can be used, 1 disabled, 0 errors" in mcpool.run("config", "check").stdout

    def test_an_error_is_told_with_file_line_key_and_remedy(self, mcpool: McpoolHome) -> None:
        mcpool.configure("[mcp_servers.x]\ncommand = 3\n")
        done = mcpool.run("config", "check")
        assert done.returncode == 2
        assert f"{mcpool.path}/config.toml:2: mcp_servers.x.command" in done.stdout

    def test_any_file_can_be_checked(self, mcpool: McpoolHome, tmp_path: Path) -> None:
        file = tmp_path / "mcp.json"
        file.write_text('{"mcpServers": {"a": {"command": "x"}}}')
        assert mcpool.run("config", "check", str(file)).returncode == 0

    def test_import_shows_and_writes_nothing_on_a_dry_run(self, mcpool: McpoolHome, tmp_path: Path) -> None:
        before = (mcpool.path / "config.toml").read_text()
        done = mcpool.run("import", "--dry-run", str(_foreign(tmp_path)))
        assert done.returncode == 0
        assert "files" in done.stdout
        assert (mcpool.path / "config.toml").read_text() == before

    def test_import_adds_and_keeps_what_was_there(self, mcpool: McpoolHome, tmp_path: Path) -> None:
        mcpool.configure("# mine\n" + DEMO)
        assert mcpool.run("import", "--yes", str(_foreign(tmp_path))).returncode == 0
        text = (mcpool.path / "config.toml").read_text()
        assert text.startswith("# mine\n")
        assert "[mcp_servers.files]" in text

    def test_import_without_anybody_to_confirm_it_is_refused(self, mcpool: McpoolHome, tmp_path: Path) -> None:
        done = mcpool.run("import", str(_foreign(tmp_path)))
        assert done.returncode == 2
        assert "--yes" in done.stderr

    def test_an_imported_secret_is_never_printed(self, mcpool: McpoolHome, tmp_path: Path) -> None:
        file = tmp_path / "mcp.json"
        secret = "ghp_abcdefghijklmnopqrstuvwxyz0123456789"
        file.write_text(json.dumps({"mcpServers": {"g": {"command": "x", "args": ["--token", secret]}}}))
        done = mcpool.run("import", "--yes", str(file))
        assert done.returncode == 0
        assert secret not in done.stdout + done.stderr


def _foreign(folder: Path) -> Path:
    file = folder / "mcp.json"
    file.write_text('{"mcpServers": {"files": {"command": "npx", "args": ["-y", "some-server"]}}}')
    return file


@pytest.mark.parametrize(
    "command",
    [(), ("up",), ("connect",), ("status",), ("tools",), ("call",), ("token",), ("import",), ("config", "check")],
)
def test_help_teaches_by_example(mcpool: McpoolHome, command: tuple[str, ...]) -> None:
    done = mcpool.run(*command, "--help")
    assert done.returncode == 0
    assert "\n  mcpool " in done.stdout or "claude mcp add" in done.stdout
    assert "SUPPRESS" not in done.stdout


def test_without_a_command_it_tells_what_there_is(mcpool: McpoolHome) -> None:
    assert mcpool.run().stdout == mcpool.run("--help").stdout


def test_version_is_told(mcpool: McpoolHome) -> None:
    assert mcpool.run("--version").stdout.startswith("mcpool ")

"""What is concluded from which facts."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from mcpool.config.problem import Problem
from mcpool.config.server import Http
from mcpool.doctor.duplicates import Starter
from mcpool.doctor.facts import (
    ClientEntry,
    ClientFacts,
    CommandFacts,
    DaemonFacts,
    Facts,
    ProcessFacts,
    ServerFacts,
    Stray,
)
from mcpool.doctor.findings import Finding, findings
from mcpool.oauth.own_sign_in import OwnSignIn
from support.ways import HERE

FILE = "/home/ada/.mcpool/config.toml"
COMMAND = CommandFacts("uvx", "/usr/bin", "the PATH of your login shell", "/usr/bin/uvx")
READY = ProcessFacts("ready", pid=7, tools=12, phases={"start": 0.1, "handshake": 0.3, "tools": 0.1})


def facts(*servers: ServerFacts, **changes: Any) -> Facts:
    known: dict[str, Any] = {"configured": frozenset({"git"}), "servers": servers, **changes}
    return Facts("1.0", FILE, True, **known)


def git(**changes: Any) -> ServerFacts:
    given: dict[str, Any] = {"command": COMMAND, "processes": (READY,), **changes}
    return ServerFacts("git", True, **given)


def only(*servers: ServerFacts, **changes: Any) -> Finding:
    (finding,) = findings(facts(*servers, **changes))
    return finding


def ready(**changes: Any) -> ServerFacts:
    return git(processes=(replace(READY, **changes),))


def test_a_server_that_works_is_no_finding() -> None:
    assert findings(facts(git())) == []


def test_a_mistake_in_the_configuration_has_its_place_and_remedy() -> None:
    problem = Problem("error", FILE, 3, "mcp_servers.git.command", "must be text", "write it in quotes")
    finding = only(problems=(problem,))
    assert finding == Finding("error", "", f"{FILE}:3: mcp_servers.git.command: must be text", "write it in quotes")


def test_without_a_configuration_the_way_to_one_is_named() -> None:
    (finding,) = findings(Facts("1.0", FILE, False))
    assert "mcpool install" in finding.remedy


def test_a_daemon_that_cannot_be_used_is_an_error() -> None:
    assert only(daemon_error="port 8377 is taken").severity == "error"


def test_a_daemon_of_another_version_is_told() -> None:
    assert "mcpool stop" in only(daemon=DaemonFacts(1, "0.9", "http://x", FILE)).remedy


def test_a_daemon_with_another_configuration_is_told() -> None:
    assert "has no effect" in only(daemon=DaemonFacts(1, "1.0", "http://x", "/else.toml")).what


def test_a_command_that_is_not_found_is_told_with_whose_path_it_is_not_on() -> None:
    command = CommandFacts("uvx", "/usr/bin", "the PATH in its `env`", None, "`uvx` was not found; install it")
    finding = only(git(command=command, processes=()))
    assert finding == Finding("error", "git", "`uvx` was not found: the PATH in its `env`", "install it")


def test_a_server_that_is_switched_off_is_not_looked_at() -> None:
    assert findings(facts(ServerFacts("git", False, start_error="no"))) == []


def test_a_program_that_does_not_start_leads_to_its_log() -> None:
    finding = only(git(start_error="it exited with status 3", processes=(ProcessFacts("failed"),)))
    assert (finding.severity, "mcpool logs git" in finding.remedy) == ("error", True)


def test_an_endpoint_that_is_not_reached_is_named_without_what_may_be_secret() -> None:
    host = Http("https://me:secret@example.com:7?key=secret").host
    finding = only(ServerFacts("git", True, host=host, start_error="refused"))
    assert "see that example.com:7 can be reached" in finding.remedy


def test_a_server_that_wants_a_sign_in_leads_to_it() -> None:
    finding = only(git(start_error="not signed in", processes=(ProcessFacts("auth_required"),)))
    assert finding.remedy == "`mcpool auth git` signs in"


def test_a_server_that_a_client_signs_in_to_by_itself_leads_to_its_configuration() -> None:
    refused = OwnSignIn("git", Http("https://example.com"), HERE).required()
    finding = only(git(start_error=refused.message, processes=(ProcessFacts("auth_required"),)))
    assert finding.remedy == "correct `oauth` or `scopes` of it, then `mcpool reconnect git`"


def test_a_shared_server_that_keeps_state_has_the_line_that_separates_it() -> None:
    finding = only(git(keeps_state="it drives one browser"))
    assert (finding.severity, '`scope = "thread"` under [mcp_servers.git]' in finding.remedy) == ("warning", True)


def test_why_there_are_several_processes_is_told() -> None:
    assert only(ready(why=('cwd: /a and /b; `cwd = "..."` makes it one',))).remedy.endswith("makes it one")


def test_a_server_that_keeps_dying_is_told() -> None:
    assert "3 times" in only(ready(restarts=3)).what


def test_a_slow_start_names_its_slowest_part() -> None:
    server = ready(phases={"start": 0.1, "handshake": 7.0, "tools": 0.2})
    finding = only(server)
    assert "7.0 s of it for the handshake" in finding.what
    assert "install it" in finding.remedy


def test_a_start_that_nearly_takes_too_long_has_the_line_that_allows_more() -> None:
    server = ready(phases={"start": 0.1, "handshake": 17.0, "tools": 0.2})
    assert "startup_timeout_sec = 60" in only(server).remedy


def cursor(*entries: ClientEntry, **changes: Any) -> ClientFacts:
    return ClientFacts("cursor", "Cursor", "/home/ada/.cursor/mcp.json", entries, **changes)


def test_a_shim_that_is_not_there_is_an_error() -> None:
    entry = ClientEntry("git", "git", "/gone/mcpool", command_found=False)
    finding = only(git(), clients=(cursor(entry),))
    assert (finding.severity, "mcpool install cursor" in finding.remedy) == ("error", True)


def test_an_entry_for_a_server_that_is_not_configured_is_an_error() -> None:
    finding = only(git(), clients=(cursor(ClientEntry("old", "old", "mcpool")),))
    assert (finding.severity, "`old`" in finding.what) == ("error", True)


def test_a_client_beside_mcpool_is_told_how_to_join() -> None:
    finding = only(git(), clients=(cursor(own=(("vcs", "git"),)),))
    assert (finding.severity, "`vcs`" in finding.what, "mcpool install cursor" in finding.remedy) == (
        "warning",
        True,
        True,
    )


def test_more_tools_than_a_client_takes_are_counted_over_what_it_reaches() -> None:
    finding = only(ready(tools=41), clients=(cursor(ClientEntry("git", "git", "mcpool")),))
    assert "41 tools, and it takes 40" in finding.what
    assert '"git?tools=search"' in finding.remedy
    assert "enabled_tools" in finding.remedy
    assert findings(facts(ready(tools=40), clients=(cursor(ClientEntry("git", "git", "mcpool")),))) == []
    assert findings(facts(ready(tools=41), clients=(cursor(),))) == []
    searched = ClientEntry("git", "git", "mcpool", search=True)
    assert findings(facts(ready(tools=41), clients=(cursor(searched),))) == []
    limited = ClientEntry("git", "git", None, max_tools=40)
    assert findings(facts(ready(tools=41), clients=(cursor(limited),))) == []
    others = ClientEntry("mcpool", "", None, servers=("time",))
    assert findings(facts(ready(tools=41), clients=(cursor(others),))) == []
    everything = cursor(ClientEntry("mcpool", "", "mcpool"))
    assert "41 tools" in only(ready(tools=41), clients=(everything,)).what


def test_a_copy_outside_mcpool_costs_and_names_its_starter() -> None:
    stray = Stray("git", 99, Starter("program", "Cursor (pid 5)"), 43_000_000, 2)
    finding = only(git(), strays=(stray,))
    assert finding.what == "Cursor (pid 5) runs a copy of its own (pid 99, 2 processes, 43 MB)"


@pytest.mark.parametrize(
    ("starter", "what", "remedy"),
    [
        (Starter("gone"), "a copy of it runs (pid 99) that nobody uses any more: what started it is gone", "`kill 99`"),
        (
            Starter("unit", "git.service"),
            "git.service, a unit of systemd, runs a copy of its own (pid 99)",
            "stop and disable that unit, if those who use it can come through mcpool",
        ),
        (
            Starter("unclear", "code.service"),
            "a copy of it runs in code.service (pid 99) that perhaps nobody uses any more",
            "`kill 99`, if nobody does",
        ),
        (
            Starter("unclear"),
            "a copy of it runs (pid 99) that perhaps nobody uses any more",
            "`kill 99`, if nobody does",
        ),
    ],
)
def test_a_copy_is_to_be_killed_only_if_it_was_left_behind(starter: Starter, what: str, remedy: str) -> None:
    found = only(git(), strays=(Stray("git", 99, starter, None, 1),))
    assert (found.what, found.remedy) == (what, remedy)


def test_errors_come_first() -> None:
    found = findings(facts(ready(restarts=9), daemon_error="no"))
    assert [finding.severity for finding in found] == ["error", "warning"]

"""Servers of projects, of the administrator, of whoever opens a thread, and of parts of the program (U2)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import mcpool
from mcpool.config.document import Document, read_document
from mcpool.config.trust import TrustStore
from mcpool.threads.thread import Thread
from support.real_servers import DEMO, OpenHost, facts, odd, servers

OWN = "[mcp_servers.odd]\ncommand = {command}\nargs = {args}\nenv = {{ WHO = {who} }}\n"


def table(tmp_path: Path, who: str) -> str:
    entry = odd(tmp_path / f"record-{who}")
    return OWN.format(command=json.dumps(entry["command"]), args=json.dumps(entry["args"]), who=json.dumps(who))


def project_of(tmp_path: Path, who: str = "project") -> Path:
    folder = tmp_path / "project"
    (folder / ".mcpool").mkdir(parents=True, exist_ok=True)
    (folder / ".mcpool" / "config.toml").write_text(table(tmp_path, who))
    return folder


def trust(tmp_path: Path, folder: Path) -> None:
    file = folder / ".mcpool" / "config.toml"
    document = read_document(file)
    assert isinstance(document, Document)
    TrustStore(tmp_path / "home").trust(file, document.digest)


async def who(thread: Thread) -> str:
    return (await facts(thread))["env"]["WHO"]


async def servers_of(thread: Thread) -> tuple[str, ...]:
    async with thread.step() as step:
        return step.servers


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    (tmp_path / "home").mkdir(mode=0o700)
    return {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "MCPOOL_MANAGED_CONFIG": str(tmp_path / "managed.toml")}


async def test_a_projects_servers_run_only_once_they_are_trusted_and_only_as_they_were_seen(
    open_host: OpenHost, tmp_path: Path, environ: dict[str, str]
) -> None:
    folder = project_of(tmp_path)
    (tmp_path / "home" / "config.toml").write_text(table(tmp_path, "user"))
    host = await open_host(None, environ=environ)
    thread = host.thread(cwd=folder)
    assert await who(thread) == "user"
    assert "is not trusted" in str(host.problems[0])
    trust(tmp_path, folder)
    host.apply()
    assert await who(thread) == "project"
    assert await who(host.thread(cwd=tmp_path)) == "user"
    project_of(tmp_path, "changed")
    host.apply()
    assert await who(thread) == "user"
    assert "changed after you trusted it" in str(host.problems[0])


async def test_without_a_configuration_of_the_users_own_folders_bring_nothing(
    open_host: OpenHost, tmp_path: Path, environ: dict[str, str]
) -> None:
    folder = project_of(tmp_path)
    trust(tmp_path, folder)
    host = await open_host(servers(demo=DEMO), environ=environ)
    assert await servers_of(host.thread(cwd=folder)) == ("demo",)


async def test_the_administrator_adds_servers_and_says_what_else_may_run(
    open_host: OpenHost, tmp_path: Path, environ: dict[str, str]
) -> None:
    rule = '\n[requirements]\nallow = [{ name = "demo" }]\n'
    (tmp_path / "managed.toml").write_text(table(tmp_path, "managed") + rule)
    host = await open_host(servers(demo=DEMO, other=DEMO), environ=environ)
    thread = host.thread()
    assert await servers_of(thread) == ("demo", "odd")
    assert await who(thread) == "managed"


async def test_an_administrators_file_that_cannot_be_read_allows_nothing(
    open_host: OpenHost, tmp_path: Path, environ: dict[str, str]
) -> None:
    (tmp_path / "managed.toml").write_text("[requirements")
    host = await open_host(servers(demo=DEMO), environ=environ)
    assert await servers_of(host.thread()) == ()
    assert "not valid TOML" in str(host.problems[0])


async def test_an_administrators_file_that_cannot_be_looked_at_allows_nothing(
    open_host: OpenHost, tmp_path: Path, environ: dict[str, str]
) -> None:
    (tmp_path / "managed.toml").symlink_to("managed.toml")
    host = await open_host(servers(demo=DEMO), environ=environ)
    assert await servers_of(host.thread()) == ()
    assert "could not be read" in str(host.problems[0])


async def test_an_administrators_file_that_becomes_unreadable_counts_as_it_was(
    open_host: OpenHost, tmp_path: Path, environ: dict[str, str]
) -> None:
    managed = tmp_path / "managed.toml"
    managed.write_text(table(tmp_path, "managed") + '\n[requirements]\nallow = [{ name = "demo" }]\n')
    host = await open_host(servers(demo=DEMO, other=DEMO), environ=environ)
    thread = host.thread()
    managed.write_text("[requirements")
    host.apply()
    assert await servers_of(thread) == ("demo", "odd")
    assert "not valid TOML" in str(host.problems[0])


async def test_an_untrusted_project_is_said_in_the_log_once(
    open_host: OpenHost, tmp_path: Path, environ: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    folder = project_of(tmp_path)
    host = await open_host(servers(demo=DEMO), environ=environ, projects=True)
    for _ in range(2):
        host.apply()
        await servers_of(host.thread(cwd=folder))
    assert caplog.text.count("is not trusted") == 1


async def test_what_the_administrator_wants_asked_is_asked_each_time_whatever_anybody_else_says(
    open_host: OpenHost, tmp_path: Path, environ: dict[str, str]
) -> None:
    asked: list[mcpool.ApprovalRequest] = []

    def on_approve(request: mcpool.ApprovalRequest) -> mcpool.ApprovalAnswer:
        asked.append(request)
        return mcpool.ApprovalAnswer("always")

    managed = tmp_path / "managed.toml"
    managed.write_text('[requirements]\napproval_mode = "writes"\n')
    own = tmp_path / "home" / "config.toml"
    own.write_text(f"[mcp_servers.demo]\ncommand = {json.dumps(DEMO['command'])}\nargs = {json.dumps(DEMO['args'])}\n")
    host = await open_host(None, environ=environ)
    thread = host.thread(on_approve=on_approve, authority=mcpool.Authority("full-access", default_mode="approve"))
    for tool in ("clock", "counter", "counter"):
        async with thread.step() as step:
            await step.call(f"mcp__demo__{tool}")
    assert [(request.tool, request.choices) for request in asked] == [("counter", ("once", "deny"))] * 2
    managed.unlink()
    host.apply()
    async with thread.step() as step:
        await step.call("mcp__demo__counter")
    assert len(asked) == 2


async def test_an_approval_for_ever_is_not_offered_for_a_server_that_somebody_else_contributes(
    open_host: OpenHost, tmp_path: Path, environ: dict[str, str]
) -> None:
    asked: list[mcpool.ApprovalRequest] = []
    (tmp_path / "home" / "config.toml").write_text(table(tmp_path, "user"))
    host = await open_host(None, environ=environ)
    own = servers(odd=odd(tmp_path / "b", env={"WHO": "mine"}, default_tools_approval_mode="prompt"))
    thread = host.thread(config=own, on_approve=lambda request: not asked.append(request))
    assert await who(thread) == "mine"
    assert [request.choices for request in asked] == [("once", "session", "deny")]


async def test_whoever_opens_a_thread_may_bring_servers_for_it_alone(
    open_host: OpenHost, tmp_path: Path, environ: dict[str, str]
) -> None:
    host = await open_host(servers(odd=odd(tmp_path / "a", env={"WHO": "all"})), environ=environ)
    own: dict[str, Any] = servers(odd=odd(tmp_path / "b", env={"WHO": "mine"}))
    assert await who(host.thread(config=own)) == "mine"
    assert await who(host.thread()) == "all"


async def test_parts_of_the_program_add_servers_and_take_them_away(
    open_host: OpenHost, tmp_path: Path, environ: dict[str, str]
) -> None:
    first = mcpool.Extension("first", servers(odd=odd(tmp_path / "a", env={"WHO": "first"})))
    second = mcpool.Extension("second", servers(odd=odd(tmp_path / "b", env={"WHO": "second"})))
    host = await open_host(servers(demo=DEMO), environ=environ, extensions=[first])
    thread = host.thread()
    assert await who(thread) == "first"
    host.extend(second)
    assert await who(thread) == "second"
    host.retract("second")
    assert await who(thread) == "first"
    host.retract("first")
    assert await servers_of(thread) == ("demo",)
    with pytest.raises(KeyError):
        host.retract("first")


async def test_another_owner_is_another_runtime_and_the_same_process(
    open_host: OpenHost, tmp_path: Path, environ: dict[str, str]
) -> None:
    """U2."""
    same = odd(tmp_path / "record", env={"WHO": "x"}, cwd="/")
    host = await open_host(servers(odd=same), environ=environ)
    thread = host.thread()
    pid, runtime = (await facts(thread))["pid"], thread.runtime
    host.extend(mcpool.Extension("kit", servers(odd=same)))
    assert (await facts(thread))["pid"] == pid
    assert thread.runtime is not runtime

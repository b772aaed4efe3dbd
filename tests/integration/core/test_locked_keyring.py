"""A keyring that is locked has the host wait once, and nobody else."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import mcpool
from mcpool.cli import commands
from mcpool.config import secrets
from mcpool.gateway.daemon import DaemonOptions, running
from mcpool.host import Host
from support.real_servers import DEMO, OpenHost, demo_pid, servers

SECRET = {"K": "${keyring:k}"}


@dataclass(frozen=True, slots=True)
class Locked:
    """The system's keyring, which does not answer before somebody unlocks it."""

    asked: list[str] = field(default_factory=list[str])
    reached: threading.Event = field(default_factory=threading.Event)
    unlocked: threading.Event = field(default_factory=threading.Event)

    def get_password(self, _: str, name: str) -> str:
        self.asked.append(name)
        self.reached.set()
        self.unlocked.wait()
        return "s3"


@pytest.fixture
def locked(monkeypatch: pytest.MonkeyPatch) -> Iterator[Locked]:
    found = Locked()
    module = ModuleType("keyring")
    module.__dict__.update(get_password=found.get_password)
    monkeypatch.setitem(sys.modules, "keyring", module)
    yield found
    found.unlocked.set()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    class Impatient(secrets.PatientKeyring):
        def __init__(self) -> None:
            super().__init__(0.05)

    monkeypatch.setattr(secrets, "PatientKeyring", Impatient)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "mcp.json"


def write(file: Path, **entries: dict[str, Any]) -> None:
    file.write_text(json.dumps(servers(**entries)))


async def opened(open_host: OpenHost, file: Path) -> Host:
    write(file, demo=DEMO)
    return await open_host(file)


async def test_threads_go_on_while_the_configuration_waits_for_it(
    open_host: OpenHost, file: Path, locked: Locked
) -> None:
    host = await opened(open_host, file)
    pid = await demo_pid(host.thread())
    write(file, demo=DEMO, more={**DEMO, "env": SECRET})
    reading = asyncio.create_task(host.read_again())
    await asyncio.to_thread(locked.reached.wait)
    assert await demo_pid(host.thread()) == pid
    assert not reading.done()
    locked.unlocked.set()
    assert await reading == ()
    assert [server.name for server in host.servers] == ["demo", "more"]


async def test_the_program_goes_on_while_a_host_that_is_opened_waits_for_it(
    tmp_path: Path, file: Path, locked: Locked
) -> None:
    write(file, demo={**DEMO, "env": SECRET})
    async with AsyncExitStack() as stack:
        host = mcpool.open(file, home=tmp_path / "home")
        opening = asyncio.create_task(stack.enter_async_context(host))
        await asyncio.to_thread(locked.reached.wait)
        assert not opening.done()
        locked.unlocked.set()
        await opening
        assert [server.name for server in host.servers] == ["demo"]


async def test_a_daemon_that_is_started_waits_for_it_once(
    tmp_path: Path, file: Path, locked: Locked, impatient: None
) -> None:
    write(file, demo=DEMO, more={**DEMO, "env": SECRET})
    options = DaemonOptions(tmp_path / "home", file, 0, asks_login_shell=False)
    async with running(options, os.environ) as daemon:
        (problem,) = daemon.host.problems
    assert "did not answer within" in problem.message
    assert len(locked.asked) == 1


async def test_secrets_can_come_from_elsewhere(tmp_path: Path, file: Path, locked: Locked) -> None:
    write(file, demo={**DEMO, "env": SECRET}, more={**DEMO, "env": {"K": "${keyring:unknown}"}})
    async with mcpool.open(file, home=tmp_path / "home", secret={"k": "s3"}.get) as host:
        assert [server.name for server in host.servers] == ["demo"]
    assert locked.asked == []


async def test_what_was_read_before_it_answered_does_not_replace_what_was_applied_since(
    open_host: OpenHost, file: Path, locked: Locked
) -> None:
    host = await opened(open_host, file)
    write(file, old={**DEMO, "env": SECRET})
    reading = asyncio.create_task(host.read_again())
    await asyncio.to_thread(locked.reached.wait)
    write(file, new=DEMO)
    host.apply()
    locked.unlocked.set()
    await reading
    assert [server.name for server in host.servers] == ["new"]


async def test_all_that_is_read_waits_for_it_once(
    open_host: OpenHost,
    file: Path,
    tmp_path: Path,
    locked: Locked,
    impatient: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    managed = tmp_path / "managed.json"
    monkeypatch.setenv("MCPOOL_MANAGED_CONFIG", str(managed))
    host = await opened(open_host, file)
    for place in (file, managed):
        write(place, demo=DEMO, more={**DEMO, "env": SECRET})
    table = '[environments.box]\nurl = "ws://127.0.0.1:1"\ntoken = "${keyring:k}"\n'
    (tmp_path / "home" / "environments.toml").write_text(table)
    host.apply()
    assert len(host.problems) == 3
    assert all("did not answer within" in problem.message for problem in host.problems)
    assert len(locked.asked) <= 1


def test_the_command_that_signs_in_waits_for_it_once(
    tmp_path: Path, locked: Locked, impatient: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    monkeypatch.setenv("MCPOOL_HOME", str(home))
    secret = '[mcp_servers.NAME]\nurl = "https://a.example/mcp"\nhttp_headers = { K = "${keyring:k}" }\n'
    plain = '[mcp_servers.plain]\nurl = "https://b.example/mcp"\n'
    file = 'mcp_oauth_credentials_store = "file"\n'
    (home / "config.toml").write_text(file + secret.replace("NAME", "one") + plain)
    (tmp_path / "managed.toml").write_text(secret.replace("NAME", "two"))
    monkeypatch.setenv("MCPOOL_MANAGED_CONFIG", str(tmp_path / "managed.toml"))
    assert commands.run(["auth", "list"]) == 0
    assert len(locked.asked) == 1

"""`mcpool auth` for a server that is reached through an executor, and whose name this machine does not know."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from support.exec_servers import ExecServer
from support.far_network import URL, FarNetwork
from support.mcpool_home import McpoolHome
from support.oauth_server import Issuer
from support.pasting import signed_in

CONFIG = f"""
mcp_oauth_credentials_store = "file"
[daemon]
port = 0
[mcp_servers.web]
url = "{URL}"
environment_id = "box"
"""


@pytest.fixture
def box(tmp_path: Path, network: FarNetwork) -> Iterator[ExecServer]:
    server = ExecServer(tmp_path / "far", http_proxy=network.proxy, no_proxy="127.0.0.1")
    server.start()
    yield server
    server.close()


@pytest.fixture
def mcpool(tmp_path: Path, box: ExecServer) -> Iterator[McpoolHome]:
    with closing(McpoolHome(tmp_path / "home", config=CONFIG)) as mcpool:
        file = mcpool.path / "environments.toml"
        file.touch(0o600)
        file.write_text(f'[environments.box]\nurl = "{box.url}"\ntoken = "{box.token}"\n')
        yield mcpool


async def run(mcpool: McpoolHome, *arguments: str) -> subprocess.CompletedProcess[str]:
    return await asyncio.to_thread(mcpool.run, *arguments)


async def test_the_command_signs_in_through_the_executor_and_the_daemon_goes_by_that(
    mcpool: McpoolHome, network: FarNetwork, box: ExecServer, issuer: Issuer
) -> None:
    """Scenario S4: from the sign-in to the revocation."""
    (mcpool.path / "environments.toml").unlink()
    await run(mcpool, "call", "web", "work", "{}")
    added = await run(mcpool, "env", "add", "box", box.url, "--token", box.token or "")  # waits until it is reached
    assert added.returncode == 0, added.stdout + added.stderr
    refused = await run(mcpool, "call", "web", "work", "{}")
    assert "`web` needs you to sign in: run `mcpool auth web`" in refused.stdout + refused.stderr
    code, said = await signed_in(mcpool, proxy=network.proxy)
    assert (code, said.endswith("signed in to `web`\nthe daemon goes by that from now on\n")) == (0, True), said
    assert (await run(mcpool, "call", "web", "work", "{}")).stdout.strip() == "done"
    listed = (await run(mcpool, "auth", "list")).stdout
    assert "box" in listed
    assert "renewed by itself" in listed
    out = await run(mcpool, "auth", "logout", "web")
    assert "revoked at http://login.test" in out.stdout
    assert (issuer.access, issuer.refresh) == ({}, {})
    assert [secret for secret in issuer.secrets if secret in said + listed + out.stdout] == []


async def test_without_the_executor_the_command_says_so_and_logout_forgets(
    mcpool: McpoolHome, network: FarNetwork, box: ExecServer, issuer: Issuer
) -> None:
    await signed_in(mcpool, proxy=network.proxy)
    box.end()
    refused = await run(mcpool, "auth", "web", "--no-browser")
    assert refused.returncode == 3
    assert "`web`: you were not signed in: environment `box`: it is disconnected: " in refused.stderr
    assert "renewed by itself" in (await run(mcpool, "auth", "list")).stdout
    out = await run(mcpool, "auth", "logout", "web")
    assert out.returncode == 0
    assert "They were not revoked, and may be good until they expire: environment `box`" in out.stdout
    assert "not signed in" in (await run(mcpool, "auth", "list")).stdout
    assert issuer.access


async def test_an_environment_that_is_not_there_is_named(mcpool: McpoolHome) -> None:
    (mcpool.path / "environments.toml").unlink()
    refused = await run(mcpool, "auth", "web", "--no-browser")
    assert refused.returncode == 3
    assert "environment `box`: there is none of this id; `mcpool env add box URL` adds it" in refused.stderr


async def test_one_that_is_written_wrongly_is_told_with_its_line(mcpool: McpoolHome) -> None:
    (mcpool.path / "environments.toml").write_text('[environments.box]\nurl = "http://x"\n')
    refused = await run(mcpool, "auth", "web", "--no-browser")
    assert refused.returncode == 3
    assert "environments.toml:2: environments.box.url" in refused.stderr

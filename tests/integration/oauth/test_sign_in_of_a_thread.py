"""`Thread.sign_in`: a program has its person sign in."""

from __future__ import annotations

import asyncio
import socket
import sys
from pathlib import Path
from typing import Any

import pytest

from mcpool.errors import AuthRequired, ConfigError, ServerUnavailable
from mcpool.threads.thread import Thread
from support.mcpool_home import TIMEOUT
from support.oauth_server import Issuer, come_back, visit
from support.real_servers import DEMO, OpenHost, servers


async def show(url: str) -> None:
    """A person who signs in at once."""
    await come_back(await visit(url))


async def works(thread: Thread) -> Any:
    async with thread.step() as step:
        return (await step.call("mcp__web__work", {})).structured["result"]


async def test_a_person_signs_in_and_every_thread_of_theirs_goes_on(
    url: str, issuer: Issuer, open_host: OpenHost
) -> None:
    host = await open_host(servers(web={"url": url}))
    async with host.thread() as thread, host.thread() as other, host.thread(principal="laptop") as stranger:
        for each in (thread, other, stranger):
            assert isinstance((await each.ready())["web"], AuthRequired)
        await thread.sign_in("web", show)
        assert [row["state"] for row in host.status()] == ["ready", "ready", "auth_required"]
        assert await works(thread) == await works(other) == "done"
    assert issuer.sign_ins == 1


async def test_another_program_finds_the_sign_in(url: str, issuer: Issuer, open_host: OpenHost) -> None:
    for _ in range(2):
        host = await open_host(servers(web={"url": url}))
        async with host.thread() as thread:
            if (await thread.ready())["web"] is not None:
                await thread.sign_in("web", show)
            assert await works(thread) == "done"
        await host.close()
    assert issuer.sign_ins == 1


async def test_who_allows_more_keeps_the_connection(url: str, issuer: Issuer, open_host: OpenHost) -> None:
    host = await open_host(servers(web={"url": url}))
    async with host.thread() as thread:
        await thread.sign_in("web", show)
        await thread.ready()
        for client in issuer.clients.values():
            client.scope = "more"
        await thread.sign_in("web", show, scopes=["more"])
        assert issuer.scopes == ["more"]
        assert await works(thread) == "done"
        assert host.status()[0]["generation"] == 1
        await thread.sign_in("web", show)
        assert host.status()[0]["generation"] == 2


async def test_what_whoever_shows_pages_raises_is_raised(url: str, open_host: OpenHost) -> None:
    async def broken(url: str) -> None:
        raise ValueError("no window")

    host = await open_host(servers(web={"url": url}))
    async with host.thread() as thread:
        with pytest.raises(ValueError, match="no window"):
            await thread.sign_in("web", broken)


async def test_a_person_who_does_nothing_is_waited_for_so_long(url: str, open_host: OpenHost) -> None:
    async def ignore(url: str) -> None:
        pass

    host = await open_host(servers(web={"url": url}))
    async with host.thread() as thread:
        with pytest.raises(TimeoutError):
            await thread.sign_in("web", ignore, timeout=0.3)
        await thread.sign_in("web", show)


async def test_a_sign_in_that_is_cancelled_leaves_its_port(url: str, open_host: OpenHost) -> None:
    shown = asyncio.Event()

    async def ignore(url: str) -> None:
        shown.set()

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    host = await open_host(servers(web={"url": url, "oauth": {"callback_port": port}}))
    async with host.thread() as thread:
        signing = asyncio.create_task(thread.sign_in("web", ignore))
        await shown.wait()
        with pytest.raises(ServerUnavailable, match=f"you were not signed in: .*port {port} is taken"):
            await thread.sign_in("web", show)
        signing.cancel()
        await asyncio.wait([signing])
        await thread.sign_in("web", show)


@pytest.mark.parametrize(
    ("entry", "why"),
    [
        (DEMO, "`web` is a program"),
        ({"url": "http://127.0.0.1:1", "http_headers": {"Authorization": "x"}}, "`web` has credentials of its own"),
    ],
)
async def test_where_there_is_nothing_to_sign_in_to_that_is_said(
    entry: dict[str, Any], why: str, open_host: OpenHost
) -> None:
    host = await open_host(servers(web=entry))
    async with host.thread() as thread:
        with pytest.raises(ConfigError, match=f"{why}: there is nothing to sign in to"):
            await thread.sign_in("web", show)


async def test_programs_that_block_have_it_too(url: str, issuer: Issuer, tmp_path: Path) -> None:
    code = f"""
import mcpool, urllib.request
with mcpool.sync.open({servers(web={"url": url})}, home={str(tmp_path / "home")!r}) as host, host.thread() as thread:
    thread.sign_in("web", lambda url: urllib.request.urlopen(url).read())
    assert thread.ready() == {{"web": None}}
"""
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", code)
    assert await asyncio.wait_for(process.wait(), TIMEOUT) == 0
    assert issuer.sign_ins == 1


async def test_a_browser_that_stays_open_keeps_no_program_that_blocks(url: str, tmp_path: Path) -> None:
    """Whoever leaves with Ctrl-C leaves it behind."""
    code = f"""
import mcpool, os, signal, threading
def show(url):
    os.kill(os.getpid(), signal.SIGINT)
    threading.Event().wait()
with mcpool.sync.open({servers(web={"url": url})}, home={str(tmp_path / "home")!r}) as host, host.thread() as thread:
    try:
        thread.sign_in("web", show)
    except KeyboardInterrupt:
        print("left")
"""
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", code, stdout=asyncio.subprocess.PIPE)
    try:
        assert (await asyncio.wait_for(process.communicate(), TIMEOUT))[0] == b"left\n"
    finally:
        if process.returncode is None:
            process.kill()

"""Signing in to HTTP servers that are reached through an executor, whose names nobody else knows."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import mcpool
from mcpool.config.server import Http
from mcpool.errors import AuthRequired, ServerNotFound, ServerUnavailable
from mcpool.oauth.grant import Grant, grant_place
from mcpool.oauth.store import GrantStore
from mcpool.threads.signing_in import Show
from mcpool.threads.thread import Thread
from support.exec_servers import KINDS, ExecServer, cable
from support.far_network import URL, FarNetwork
from support.oauth_server import Issuer, come_back, register, visit
from support.plugin_folder import plugin
from support.ports import closed_port
from support.real_servers import OpenHost, servers

from .conftest import ready, until

WEB = servers(web={"url": URL, "environment_id": "box"})
REGISTER, TOKEN = "POST login.test/register", "POST login.test/token"


def executor(folder: Path, network: FarNetwork, kind: str = "mcpool") -> Iterator[ExecServer]:
    server = ExecServer(folder, kind, http_proxy=network.proxy, no_proxy="127.0.0.1")
    server.start()
    yield server
    server.close()


@pytest.fixture(params=KINDS)
def far(request: pytest.FixtureRequest, tmp_path: Path, network: FarNetwork) -> Iterator[ExecServer]:
    """An executor of either kind, that knows the names."""
    yield from executor(tmp_path / "far", network, request.param)


@pytest.fixture
def ours(tmp_path: Path, network: FarNetwork) -> Iterator[ExecServer]:
    """An executor of our own, that knows the names."""
    yield from executor(tmp_path / "far", network)


@pytest.fixture(autouse=True)
def no_way_of_our_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing goes out from here."""

    def refuse(*_: object) -> None:
        raise AssertionError("it went out from here")

    monkeypatch.setattr("mcpool.wire.http_client._own_transport", refuse)
    monkeypatch.setattr("mcpool.oauth.asking.FromHere.__init__", refuse)


def attach(host: mcpool.Host, far: ExecServer, url: str | None = None) -> None:
    host.environments.add("box", url or far.url, token=far.token, resume_timeout=1.0)


def browser(network: FarNetwork, meanwhile: Callable[[], None] = lambda: None) -> Show:
    """A person with a browser that reaches what the executor reaches, and this machine."""

    async def show(url: str) -> None:
        meanwhile()
        await come_back(await visit(url, network.proxy))

    return show


async def works(thread: Thread) -> str:
    await thread.ready()
    async with thread.step() as step:
        return (await step.call("mcp__web__work", {})).structured["result"]


async def signed_in(thread: Thread, network: FarNetwork) -> Thread:
    await thread.sign_in("web", browser(network))
    assert await works(thread) == "done"
    return thread


async def test_everything_of_a_sign_in_travels_through_the_executor(
    far: ExecServer, network: FarNetwork, issuer: Issuer, open_host: OpenHost
) -> None:
    """Scenario S4."""
    host = await open_host(WEB)
    attach(host, far)
    await ready(host)
    async with host.thread() as thread:
        assert isinstance((await thread.ready())["web"], AuthRequired)
        assert host.status()[0]["state"] == "auth_required"
        await signed_in(thread, network)
    assert issuer.sign_ins == network.count(REGISTER) == network.count(TOKEN) == 1
    assert network.count("GET login.test/.well-known/oauth-authorization-server") == 1
    assert network.count("GET tools.test/.well-known/oauth-protected-resource/mcp") == 1


async def test_a_plugin_there_says_as_which_client_and_where_the_browser_comes_back(
    far: ExecServer, network: FarNetwork, issuer: Issuer, open_host: OpenHost
) -> None:
    """Scenario S4: with a client id nothing is registered. A reload in between changes nothing."""
    port = closed_port()
    register(issuer, "known", None, f"http://127.0.0.1:{port}/callback")
    issuer.clients["known"].scope = "read"
    oauth = {"client_id": "known", "callback_port": port}
    entry = {"type": "http", "url": URL, "oauth": oauth, "scopes": ["read"], "oauth_resource": "http://tools.test/"}
    root = mcpool.CapabilityRoot("kit", str(plugin(far.root / "kit", servers={"web": entry})), "box")
    host = await open_host(servers())
    attach(host, far)
    await ready(host)
    thread, other = host.thread(capability_roots=[root]), host.thread()
    required = (await thread.ready())["web"]
    assert "the program that chose its plugin can have you do that" in str(required)
    await thread.sign_in("web", browser(network, lambda: void(host.apply(servers(more=WEB["mcpServers"]["web"])))))
    await host.settled()
    host.apply(servers())
    assert await works(thread) == "done"
    assert (network.count(REGISTER), network.count(TOKEN)) == (0, 1)
    assert (issuer.scopes, issuer.resource) == (["read"], "http://tools.test/")
    with pytest.raises(ServerNotFound):
        await other.sign_in("web", browser(network))


def void(_: object) -> None:
    """What comes of it is nobody's concern."""


async def test_tokens_of_one_place_are_not_shown_at_another(
    ours: ExecServer, network: FarNetwork, open_host: OpenHost, tmp_path: Path
) -> None:
    """Scenario S4: neither those of this host at an executor, nor those of another executor."""
    host = await open_host(WEB)
    store = GrantStore(host.home or tmp_path, "file")
    for environment in ("local", "other"):
        token = f"{environment}-token"
        grant = Grant(URL, "http://login.test/", {"client_id": "c"}, access_token=token, refresh_token=token)
        await store.write(grant_place(Http(URL), "", environment), grant)
    attach(host, ours)
    await ready(host)
    async with host.thread() as thread:
        assert isinstance((await thread.ready())["web"], AuthRequired)
        assert network.shown == set()
        await signed_in(thread, network)
    here = await store.read(grant_place(Http(URL), "", "local"))
    assert here is not None
    assert here.grant is not None
    assert here.grant.access_token == "local-token"


async def test_an_executor_that_is_attached_anew_finds_the_sign_in_and_renews_it(
    far: ExecServer, network: FarNetwork, issuer: Issuer, open_host: OpenHost
) -> None:
    """Scenario S4: renewal travels through the executor, too."""
    host = await open_host(WEB)
    attach(host, far)
    await ready(host)
    async with host.thread() as thread:
        await signed_in(thread, network)
        far.kill()
        await until(host, lambda: host.environments.status("box").status == "disconnected")
        far.start()
        await ready(host)
        issuer.expire_all()
        assert await works(thread) == "done"
    assert (issuer.sign_ins, issuer.refreshes, network.count(TOKEN)) == (1, 1, 2)


async def test_an_executor_that_goes_during_a_renewal_takes_no_sign_in_with_it(
    ours: ExecServer, network: FarNetwork, issuer: Issuer, open_host: OpenHost
) -> None:
    host = await open_host(WEB)
    attach(host, ours)
    await ready(host)
    async with host.thread() as thread:
        await signed_in(thread, network)
        issuer.expire_all()
        issuer.before_refresh = asyncio.Event()
        calling = asyncio.create_task(works(thread))
        await issuer.refresh_asked.wait()
        ours.kill()
        with pytest.raises(ServerUnavailable, match=r"could not be renewed.*from the environment `box`"):
            await calling
        issuer.before_refresh = None
        ours.start()
        await ready(host)
        assert await works(thread) == "done"
    assert issuer.sign_ins == 1


async def test_a_lost_answer_of_an_issuer_that_takes_a_token_again_is_asked_for_again(
    ours: ExecServer, network: FarNetwork, issuer: Issuer, open_host: OpenHost
) -> None:
    """Those that rotate refresh tokens often leave a while in which the old one is good."""
    async with cable(ours.port) as line:
        host = await open_host(WEB)
        attach(host, ours, line.url)
        await ready(host)
        async with host.thread() as thread:
            await signed_in(thread, network)
            issuer.expire_all()
            issuer.takes_again = True
            issuer.before_refresh = asyncio.Event()
            calling = asyncio.create_task(works(thread))
            await issuer.refresh_asked.wait()
            line.cut()
            with pytest.raises(ServerUnavailable, match="could not be renewed"):
                await calling
            issuer.before_refresh.set()
            assert await works(thread) == "done"
    assert issuer.sign_ins == 1


async def test_without_its_executor_nobody_is_sent_to_a_page(
    ours: ExecServer, network: FarNetwork, open_host: OpenHost
) -> None:
    host = await open_host(WEB)
    attach(host, ours)
    await ready(host)
    async with host.thread() as thread:
        await thread.ready()
        ours.kill()
        await until(host, lambda: host.environments.status("box").status == "disconnected")
        with pytest.raises(ServerUnavailable, match="its environment `box` is not available"):
            await thread.sign_in("web", browser(network))


async def test_a_client_signs_in_by_itself_through_its_executor(
    ours: ExecServer, network: FarNetwork, open_host: OpenHost
) -> None:
    """The issuer of these tests does not offer that: what counts is who is asked, and from where."""
    oauth = {"grant_type": "client_credentials", "client_id": "c", "client_secret": "s", "issuer": "http://login.test/"}
    host = await open_host(servers(web={"url": URL, "environment_id": "box", "oauth": oauth}))
    attach(host, ours)
    await ready(host)
    async with host.thread() as thread:
        await thread.ready()
    assert network.count(TOKEN) >= 1

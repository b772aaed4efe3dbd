"""`mcpool auth`, without a browser: a person visits the address elsewhere and pastes what comes of it."""

from __future__ import annotations

import asyncio
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from mcpool.oauth.callback import state_of
from support.mcpool_home import TIMEOUT, McpoolHome
from support.oauth_server import Issuer, visit
from support.pasting import signed_in
from support.raw_http import Asked, raw_server
from support.terminal import Terminal


@pytest.fixture
def mcpool(home: Path, url: str) -> Iterator[McpoolHome]:
    config = f'mcp_oauth_credentials_store = "file"\n[daemon]\nport = 0\n[mcp_servers.web]\nurl = "{url}"\n'
    with closing(McpoolHome(home, config=config)) as mcpool:
        yield mcpool


async def run(mcpool: McpoolHome, *arguments: str) -> subprocess.CompletedProcess[str]:
    return await asyncio.to_thread(mcpool.run, *arguments)


async def test_signing_in_without_a_browser_lets_the_running_daemon_in(mcpool: McpoolHome, issuer: Issuer) -> None:
    refused = await run(mcpool, "call", "web", "work", "{}")
    assert refused.returncode != 0
    assert "`web` needs you to sign in: run `mcpool auth web`" in refused.stdout + refused.stderr
    status = await run(mcpool, "status")
    code, said = await signed_in(mcpool)
    assert (code, said.endswith("signed in to `web`\nthe daemon goes by that from now on\n")) == (0, True)
    called = await run(mcpool, "call", "web", "work", "{}")
    assert (called.returncode, called.stdout.strip()) == (0, "done")
    listed = await run(mcpool, "auth", "list")
    logs = "".join(file.read_text() for file in (mcpool.path / "logs").glob("*") if file.is_file())
    every = [refused, status, called, listed]
    told = said + logs + "".join(done.stdout + done.stderr for done in every)
    assert [secret for secret in issuer.secrets if secret in told] == []


async def test_with_a_browser_nothing_has_to_be_pasted(mcpool: McpoolHome, issuer: Issuer, tmp_path: Path) -> None:
    """The browser follows the issuer's redirect to the loopback address."""
    browser = tmp_path / "browser.py"
    browser.write_text("import sys, urllib.request\nurllib.request.urlopen(sys.argv[1], timeout=30).read()\n")
    mcpool.environ |= {"DISPLAY": ":0", "BROWSER": f"{sys.executable} {browser} %s"}
    done = await run(mcpool, "auth", "web")
    assert (done.returncode, issuer.sign_ins) == (0, 1), done.stdout + done.stderr
    assert done.stdout.rstrip().endswith("signed in to `web`")
    assert [secret for secret in issuer.secrets if secret in done.stdout + done.stderr] == []


async def test_a_port_that_is_taken_is_named(mcpool: McpoolHome, url: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        mcpool.configure(f'[mcp_servers.web]\nurl = "{url}"\noauth.callback_port = {port}\n')
        mcpool.environ |= {"DISPLAY": ":0", "BROWSER": "true"}
        done = await run(mcpool, "auth", "web")
    assert done.returncode == 3
    assert f"port {port} is taken" in done.stderr


async def test_the_list_says_who_is_signed_in_and_signing_out_ends_it(mcpool: McpoolHome) -> None:
    assert "not signed in" in (await run(mcpool, "auth", "list")).stdout
    await signed_in(mcpool)
    assert "renewed by itself" in (await run(mcpool, "auth", "list")).stdout
    out = await run(mcpool, "auth", "logout", "web")
    assert out.stdout.startswith("signed out of `web`")
    assert "not signed in" in (await run(mcpool, "auth", "list")).stdout
    again = await run(mcpool, "auth", "logout", "web")
    assert (again.returncode, again.stdout) == (0, "you were not signed in to `web`\n")


async def test_signing_out_revokes_the_tokens_at_the_issuer(mcpool: McpoolHome, issuer: Issuer) -> None:
    await signed_in(mcpool)
    assert issuer.access
    assert issuer.refresh
    await run(mcpool, "call", "web", "work", "{}")
    out = await run(mcpool, "auth", "logout", "web")
    assert "revoked at http://127.0.0.1" in out.stdout
    assert out.stdout.endswith("\nthe daemon goes by that from now on\n")
    assert (issuer.access, issuer.refresh) == ({}, {})
    assert [secret for secret in issuer.secrets if secret in out.stdout + out.stderr] == []


async def test_an_issuer_that_does_not_revoke_keeps_nobody_signed_in(
    mcpool: McpoolHome, issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: object) -> None:
        raise RuntimeError("the issuer's database is away")

    await signed_in(mcpool)
    monkeypatch.setattr(issuer, "revoke_token", broken)
    out = await run(mcpool, "auth", "logout", "web")
    assert out.returncode == 0
    assert out.stdout.startswith("signed out of `web`: its tokens are forgotten here\nThey were not revoked")
    assert "answered HTTP 500" in out.stdout
    assert "not signed in" in (await run(mcpool, "auth", "list")).stdout


async def test_signing_out_is_not_undone_by_a_renewal_under_way(mcpool: McpoolHome, issuer: Issuer) -> None:
    """The daemon is in the middle of one: what comes of it is what gets revoked."""
    await signed_in(mcpool)
    await run(mcpool, "call", "web", "work", "{}")
    issuer.expire_all()
    issuer.before_refresh = asyncio.Event()
    calling = asyncio.create_task(run(mcpool, "call", "web", "work", "{}"))
    await asyncio.wait_for(issuer.refresh_asked.wait(), TIMEOUT)
    leaving = asyncio.create_task(run(mcpool, "auth", "logout", "web"))
    done, _ = await asyncio.wait([leaving], timeout=1)
    assert not done
    issuer.before_refresh.set()
    out, _ = await asyncio.gather(leaving, calling)
    assert "revoked at" in out.stdout
    assert (issuer.access, issuer.refresh) == ({}, {})
    refused = await run(mcpool, "call", "web", "work", "{}")
    assert "`web` needs you to sign in: run `mcpool auth web`" in refused.stdout + refused.stderr
    assert "not signed in" in (await run(mcpool, "auth", "list")).stdout


async def test_a_browser_that_stays_open_keeps_nobody_waiting(
    mcpool: McpoolHome, issuer: Issuer, tmp_path: Path
) -> None:
    browser = tmp_path / "browser.py"
    browser.write_text(
        "import os, sys, time, urllib.request\n"
        "parent = os.getppid()\n"
        "urllib.request.urlopen(sys.argv[1], timeout=30).read()\n"
        "while os.getppid() == parent: time.sleep(0.02)\n"
    )
    mcpool.environ |= {"DISPLAY": ":0", "BROWSER": f"{sys.executable} {browser} %s"}
    done = await run(mcpool, "auth", "web")
    assert (done.returncode, issuer.sign_ins) == (0, 1), done.stdout + done.stderr


async def test_headers_whose_values_are_in_variables_are_sent(mcpool: McpoolHome) -> None:
    """Something before the server may want them."""

    async def gate(asked: Asked) -> None:
        await asked.reply(200 if asked.headers.get("x-gate") == "open" else 403)

    async with raw_server(gate) as url:
        mcpool.configure(f'[mcp_servers.web]\nurl = "{url}"\nenv_http_headers = {{ X-Gate = "GATE" }}\n')
        (mcpool.path / ".env").write_text("GATE=open\n")
        (mcpool.path / ".env").chmod(0o600)
        done = await run(mcpool, "auth", "web", "--no-browser")
    assert "it answered HTTP 200 and did not ask for credentials" in done.stderr


async def test_headers_that_a_command_makes_are_sent(mcpool: McpoolHome) -> None:
    """As they are with every connection."""

    async def gate(asked: Asked) -> None:
        await asked.reply(200 if asked.headers.get("x-gate") == "open" else 403)

    async with raw_server(gate) as url:
        helper = """http_headers_helper = 'echo "{\\"X-Gate\\": \\"$WHAT\\"}"'"""
        mcpool.configure(f'[mcp_servers.web]\nurl = "{url}"\n{helper}\n')
        mcpool.environ["WHAT"] = "open"
        done = await run(mcpool, "auth", "web", "--no-browser")
    assert "it answered HTTP 200 and did not ask for credentials" in done.stderr


@pytest.mark.parametrize(
    ("helper", "code", "says"),
    [
        ("false", 3, "its `http_headers_helper` ended with status 1"),
        ("""echo '{\\"Authorization\\": \\"s3cret\\"}'""", 2, "has its credentials from its `http_headers_helper`"),
    ],
)
async def test_a_command_that_fails_or_makes_the_credentials_is_no_sign_in(
    mcpool: McpoolHome, url: str, issuer: Issuer, helper: str, code: int, says: str
) -> None:
    mcpool.configure(f'[mcp_servers.web]\nurl = "{url}"\nhttp_headers_helper = "{helper}"\n')
    done = await run(mcpool, "auth", "web", "--no-browser")
    assert (done.returncode, says in done.stderr) == (code, True), done.stderr
    assert "s3cret" not in done.stdout + done.stderr
    assert issuer.sign_ins == 0


@pytest.mark.parametrize("left", ["", '[mcp_servers.web]\nurl = "http://127.0.0.1:9/other"\n'], ids=["gone", "moved"])
async def test_signing_out_of_a_server_that_is_not_configured_so_any_more(
    mcpool: McpoolHome, issuer: Issuer, left: str
) -> None:
    await signed_in(mcpool)
    mcpool.configure(f'mcp_oauth_credentials_store = "file"\n{left}')
    listed = (await run(mcpool, "auth", "list")).stdout
    assert "renewed by itself, left over" in listed
    assert "`mcpool auth logout SERVER` forgets it" in listed
    out = await run(mcpool, "auth", "logout", "web")
    assert out.returncode == 0
    assert "signed out of `web`: its tokens are forgotten here, and revoked at" in out.stdout
    assert (issuer.access, issuer.refresh) == ({}, {})
    assert "left over" not in (await run(mcpool, "auth", "list")).stdout
    again = await run(mcpool, "auth", "logout", "web")
    assert again.returncode == (0 if left else 2)


async def test_a_server_that_is_switched_off_can_be_signed_out_of(mcpool: McpoolHome, issuer: Issuer, url: str) -> None:
    await signed_in(mcpool)
    mcpool.configure(f'mcp_oauth_credentials_store = "file"\n[mcp_servers.web]\nurl = "{url}"\nenabled = false\n')
    out = await run(mcpool, "auth", "logout", "web")
    assert "revoked at" in out.stdout
    assert issuer.access == {}


async def test_nobody_waits_for_ever_for_what_is_to_be_pasted(mcpool: McpoolHome) -> None:
    program = "import mcpool.cli.auth as auth, mcpool.cli as cli; auth.PATIENCE = 2.0; raise SystemExit(cli.main())"
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-c", program, "auth", "web", "--no-browser"),
        env=mcpool.environ,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    assert process.stderr is not None
    said = await asyncio.wait_for(process.stderr.read(), TIMEOUT)
    assert await process.wait() == 3
    assert said.decode().startswith("mcpool: `web`: you were not signed in within ")


async def test_an_address_of_another_sign_in_is_not_taken(mcpool: McpoolHome, issuer: Issuer) -> None:
    code, said = await signed_in(mcpool, lambda _: "http://127.0.0.1:8378/callback?code=stolen&state=other")
    assert code == 3
    assert "belongs to another sign-in" in said
    assert "stolen" not in said
    assert issuer.sign_ins == 0


async def test_something_else_that_was_pasted_is_not_taken(mcpool: McpoolHome) -> None:
    code, said = await signed_in(mcpool, lambda url: url)
    assert code == 3
    assert "is not the address" in said


async def test_a_refusal_of_the_issuer_is_told(mcpool: McpoolHome) -> None:
    code, said = await signed_in(
        mcpool, lambda url: f"http://127.0.0.1:8378/callback?error=access_denied&state={state_of(url)}"
    )
    assert code == 3
    assert "you were not signed in: its issuer says `access_denied`" in said


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("other",), "no server is named `other`"),
        (("logout",), "it takes SERVER, or `list`, or `logout SERVER`"),
        (("logout", "other"), "no server is named `other`"),
    ],
)
async def test_wrong_usage_is_told(mcpool: McpoolHome, arguments: tuple[str, ...], says: str) -> None:
    done = await run(mcpool, "auth", *arguments)
    assert (done.returncode, says in done.stderr) == (2, True)


async def test_at_a_terminal_what_is_pasted_is_not_shown(mcpool: McpoolHome, issuer: Issuer) -> None:
    with closing(Terminal("auth", "web", "--no-browser", environ=mcpool.environ)) as terminal:
        shown = await asyncio.to_thread(terminal.read_until, r"\n  http\S+\n(?s:.*)it is not shown")
        page = re.search(r"\n  (http\S+)\n", shown)
        assert page is not None
        terminal.types(f"{await visit(page[1])}\n")
        assert await asyncio.to_thread(terminal.ends) == 0
    assert "signed in to `web`" in terminal.shown
    assert [secret for secret in issuer.secrets if secret in terminal.shown] == []


async def test_at_a_terminal_one_can_leave(mcpool: McpoolHome) -> None:
    """With Ctrl-D, and with Ctrl-C."""
    with closing(Terminal("auth", "web", "--no-browser", environ=mcpool.environ)) as terminal:
        await asyncio.to_thread(terminal.read_until, "it is not shown")
        terminal.types("\x04")
        assert await asyncio.to_thread(terminal.ends) == 3
        assert "nothing was pasted" in terminal.shown
    with closing(Terminal("auth", "web", "--no-browser", environ=mcpool.environ)) as terminal:
        await asyncio.to_thread(terminal.read_until, "it is not shown")
        terminal.process.send_signal(signal.SIGINT)
        assert await asyncio.to_thread(terminal.ends) == 130
        assert terminal.echoes
        assert "Traceback" not in terminal.shown


async def test_what_is_pasted_needs_no_end_of_its_line(mcpool: McpoolHome, issuer: Issuer) -> None:
    """Programs write it without."""
    code, said = await signed_in(mcpool, end="")
    assert (code, issuer.sign_ins) == (0, 1), said

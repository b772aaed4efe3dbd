"""Who gets in, what is private, and that no secret shows anywhere."""

from __future__ import annotations

import json
import stat
from collections.abc import AsyncGenerator, Iterator
from pathlib import Path

import pytest

from gatewaykit.http_client import HttpClient
from gatewaykit.waiting import until
from support.mcpool_home import McpoolHome
from support.ports import closed_port
from support.real_servers import DEMO, odd

SECRETS = {
    "env": "sk-env-0123456789abcdef",
    "variable": "sk-variable-0123456789abcdef",
    "header": "sk-header-0123456789abcdef",
    "bearer": "sk-bearer-0123456789abcdef",
}


@pytest.fixture
def guarded(mcpool: McpoolHome, tmp_path: Path) -> McpoolHome:
    """A daemon with servers that are given secrets in every way there is, good ones and broken ones."""
    secrets = {"API_KEY": SECRETS["env"], "OTHER_KEY": "${FROM_DOTENV}"}
    (mcpool.path / ".env").write_text(f"FROM_DOTENV={SECRETS['variable']}\nBEARER={SECRETS['bearer']}\n")
    nowhere = f"http://127.0.0.1:{closed_port()}/mcp"
    mcpool.configure_servers(
        demo={**DEMO, "cwd": "/", "env": secrets},
        odd=odd(tmp_path / "odd", cwd="/", env=secrets),
        exits=odd(tmp_path / "exits", "exits", cwd="/", env=secrets),
        absent={"command": "no-such-program", "args": [], "env": secrets},
        web={"url": nowhere, "http_headers": {"X-Key": SECRETS["header"]}, "bearer_token_env_var": "BEARER"},
    )
    return mcpool


@pytest.fixture
def running(guarded: McpoolHome) -> McpoolHome:
    """The same, in the background."""
    assert guarded.run("up", "--detach").returncode == 0
    return guarded


@pytest.fixture
async def client(running: McpoolHome) -> AsyncGenerator[HttpClient]:
    """A client of the demo server with the default token, past its handshake."""
    port = running.port()
    async with HttpClient(port, "/mcp/demo", token=running.token()) as client:
        await client.initialize()
        yield client


LIST = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Authorization": None}, 401),
        ({"Authorization": "Bearer wrong-wrong-wrong-wrong"}, 401),
        ({"Authorization": "Basic Zm9vOmJhcg=="}, 401),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Host": "evil.example"}, 403),
        ({"Mcp-Session-Id": "made-up"}, 404),
    ],
)
async def test_who_may_not_come_in_is_refused(client: HttpClient, headers: dict[str, str | None], status: int) -> None:
    assert (await client.post(LIST)).status == 200
    refused = await client.post(LIST, headers)
    assert refused.status == status
    assert "tools" not in (await refused.body()).decode()


async def test_session_of_another_client_is_nobody_elses(client: HttpClient, running: McpoolHome) -> None:
    """Not with another token, and not at another server."""
    assert running.run("token", "new", "mallory").returncode == 0
    async with HttpClient(client.port, "/mcp/demo", token=(running.path / "tokens" / "mallory").read_text()) as other:
        await other.initialize()
        other.session = client.session
        assert (await other.post(LIST)).status == 404
        assert (await other.request("DELETE")).status == 404
    async with HttpClient(client.port, "/mcp/odd", token=running.token()) as elsewhere:
        elsewhere.session, elsewhere.version = client.session, client.version
        assert (await elsewhere.post(LIST)).status == 404
    assert (await client.post(LIST)).status == 200


async def test_revoked_token_lets_nobody_in(client: HttpClient, running: McpoolHome) -> None:
    running.run("token", "new", "laptop")
    token = (running.path / "tokens" / "laptop").read_text()
    async with HttpClient(client.port, "/mcp/demo", token=token) as laptop:
        await laptop.initialize()
        running.run("token", "revoke", "laptop")

        async def refused() -> bool:
            return (await laptop.post(LIST)).status == 401

        await until(refused)


@pytest.fixture
def used(running: McpoolHome) -> McpoolHome:
    """The same after it was used in all ways, well and badly."""
    for arguments in (
        ("tools",),
        ("call", "demo", "clock"),
        ("call", "odd", "die"),
        ("call", "odd", "nonsense"),
        ("call", "exits", "x"),
        ("call", "absent", "x"),
        ("call", "web", "x"),
    ):
        done = running.run(*arguments)
        assert not _secrets_in(done.stdout + done.stderr, running), arguments
    return running


def _secrets_in(text: str, mcpool: McpoolHome) -> list[str]:
    tokens = {path.name: path.read_text() for path in (mcpool.path / "tokens").iterdir()}
    return [name for name, secret in {**SECRETS, **tokens}.items() if secret in text]


def test_everything_in_the_home_is_for_its_user_alone(used: McpoolHome) -> None:
    for path in [used.path, *used.path.rglob("*")]:
        if path.name in ("config.toml", ".env"):
            continue  # the user's own, as he made them
        mode = stat.S_IMODE(path.lstat().st_mode)
        assert mode == (0o700 if path.is_dir() else 0o600), path


@pytest.mark.parametrize("command", [("status",), ("status", "--json"), ("config", "check"), ("token", "list")])
def test_no_command_tells_a_secret(used: McpoolHome, command: tuple[str, ...]) -> None:
    done = used.run(*command)
    assert done.stdout
    assert not _secrets_in(done.stdout + done.stderr, used)


def test_no_log_and_no_record_holds_a_secret(used: McpoolHome) -> None:
    written = [*(used.path / "logs").iterdir(), used.path / "daemon.json", used.path / "daemon.lock"]
    written += [path for path in (used.path / "hosts").iterdir() if path.is_file()]
    assert len(written) > 4
    for path in written:
        assert not _secrets_in(path.read_bytes().decode(errors="replace"), used), path


def test_no_command_line_of_a_process_shows_a_secret(used: McpoolHome) -> None:
    """What `ps` shows to every user of the machine."""
    seen = 0
    for process in _processes_of(used):
        line = (process / "cmdline").read_bytes().decode(errors="replace")
        assert not _secrets_in(line, used), line
        seen += 1
    assert seen >= 3


def test_environment_of_daemon_and_warden_holds_no_secret(used: McpoolHome) -> None:
    """A server's secrets are its own: of all processes only the servers that they are for have them."""
    servers = {row["pid"] for row in used.status()["servers"]}
    for process in _processes_of(used):
        if int(process.name) not in servers:
            assert not _secrets_in((process / "environ").read_bytes().decode(errors="replace"), used)


def _processes_of(mcpool: McpoolHome) -> Iterator[Path]:
    """The daemon and its children."""
    daemon = Path(f"/proc/{mcpool.record()['pid']}")
    yield daemon
    for child in (daemon / "task" / daemon.name / "children").read_text().split():
        yield Path("/proc") / child


async def test_answers_of_the_gateway_hold_no_secret(client: HttpClient, used: McpoolHome) -> None:
    async with HttpClient(client.port, "/mcp", token=used.token()) as everything:
        said = [json.dumps(await everything.initialize())]
        answers = [await everything.tool(name) for name in ("exits__x", "absent__x", "web__x", "odd__nonsense")]
        said += [(await answer.body()).decode() for answer in answers]
    for path in ("/health", "/mcp/web", "/mcp/exits"):
        async with HttpClient(client.port, path, token=used.token()) as one:
            said.append((await (await one.request("GET")).body()).decode())
            said.append((await (await one.post({**LIST, "method": "initialize"})).body()).decode())
    assert not _secrets_in("\n".join(said), used)


def test_port_is_open_on_loopback_only(running: McpoolHome) -> None:
    port = f"{running.port():04X}"
    listening = [
        line.split()[1]
        for table in ("tcp", "tcp6")
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]
        if line.split()[3] == "0A" and line.split()[1].endswith(f":{port}")
    ]
    assert listening == [f"0100007F:{port}"]

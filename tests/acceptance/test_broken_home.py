"""A home whose files are damaged or can't be written: a sentence that says so, and the rest works."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from gatewaykit.http_client import HttpClient
from support.mcpool_home import DEMO, TIMEOUT, McpoolHome


def file(name: str, content: bytes) -> Callable[[Path], None]:
    """Puts a file of this content there."""

    def damage(home: Path) -> None:
        path = home / name
        path.parent.mkdir(mode=0o700, exist_ok=True)
        path.write_bytes(content)

    damage.__name__ = f"{name}-{content[:8]!r}"
    return damage


def folder(name: str) -> Callable[[Path], None]:
    """Puts a folder where a file should be."""

    def damage(home: Path) -> None:
        (home / name).unlink(missing_ok=True)
        (home / name).mkdir(parents=True)

    damage.__name__ = f"folder-{name}"
    return damage


def full(name: str) -> Callable[[Path], None]:
    """A file whose disk is full."""

    def damage(home: Path) -> None:
        (home / name).parent.mkdir(mode=0o700, exist_ok=True)
        (home / name).symlink_to("/dev/full")

    damage.__name__ = f"full-{name}"
    return damage


HARMLESS = [
    file("daemon.json", b"{garbage"),
    file("daemon.json", b'{"pid": 1}'),
    file("daemon.lock", b"99999999\nwhat is this"),
    file("start.lock", b"nonsense"),
    file("daemon.sock", b"no socket"),
    file("id", b"\xff\xff"),
    file("hosts/nonsense", b"x"),
    file("hosts/0123456789abcdef", b"a host that was killed"),
    file(".env", b"\xff\xfe=3\nnonsense\nA=b"),
    folder("logs/demo.log"),
    full("logs/demo.log"),
    full("logs/daemon.log"),
]

FATAL = [
    (file("tokens", b"no folder"), "tokens can't be used: file exists"),
    (file("key", b"short"), "key must hold 32 bytes and holds 5; remove it"),
    (folder("key"), "key can't be used: is a directory"),
    (folder("daemon.lock"), "daemon.lock can't be used: is a directory"),
    (folder("start.lock"), "start.lock can't be used: is a directory"),
    (folder("id"), "id can't be used: is a directory"),
    (file("config.toml", b"[mcp_servers.demo\n"), "config.toml:1: is not valid TOML"),
    (file("config.toml", b"\xff\xfe"), "config.toml:1: is not valid UTF-8"),
    (folder("config.toml"), "config.toml: is a folder"),
]


def named(value: object) -> str:
    """How a case is called."""
    return value.__name__ if callable(value) else ""


@pytest.fixture
def demo(mcpool: McpoolHome) -> McpoolHome:
    """A home with the demo server in it."""
    mcpool.configure(DEMO)
    return mcpool


@pytest.mark.parametrize("damage", HARMLESS, ids=named)
def test_damage_that_matters_little_keeps_nobody_from_working(demo: McpoolHome, damage: Callable[[Path], None]) -> None:
    damage(demo.path)
    assert demo.run("call", "demo", "clock").returncode == 0
    assert demo.status()["problems"] == []


@pytest.mark.parametrize(("damage", "said"), FATAL, ids=named)
def test_damage_that_cannot_be_worked_around_is_told_in_one_sentence(
    demo: McpoolHome, damage: Callable[[Path], None], said: str
) -> None:
    damage(demo.path)
    for command in (("up",), ("call", "demo", "clock")):
        done = demo.run(*command)
        assert done.returncode in (2, 3)
        assert said in done.stderr
        assert str(demo.path) in done.stderr
        assert "Traceback" not in done.stderr
        # A login shell that is slow on a busy machine is no damage.
        assert len([line for line in done.stderr.splitlines() if "login shell" not in line]) <= 2


@pytest.mark.parametrize(
    "damage", [file("tokens/default", b""), file("tokens/default", b"\xff\xfe"), folder("tokens/default")], ids=named
)
async def test_damaged_token_is_told_and_shuts_out_only_who_would_use_it(
    demo: McpoolHome, damage: Callable[[Path], None]
) -> None:
    assert demo.run("token", "new", "laptop").returncode == 0
    damage(demo.path)
    up = demo.up()
    assert "token `default`: " in up.ready()
    (problem,) = demo.status()["problems"]
    assert problem.startswith("token `default`: ")
    assert demo.run("call", "demo", "clock").returncode == 0
    port = demo.port()
    async with HttpClient(port, "/mcp/demo", token=(demo.path / "tokens" / "laptop").read_text()) as client:
        await client.initialize()
        assert await client.result("tools/list")
    async with HttpClient(port, "/mcp/demo", token="") as client:
        assert (await client.call("tools/list")).status == 401


def test_broken_entry_is_told_and_the_other_servers_run(mcpool: McpoolHome) -> None:
    mcpool.configure(DEMO + '[mcp_servers.broken]\ncommand = 3\n[mcp_servers.other]\ncommand = "${NO_SUCH_VARIABLE}"\n')
    assert mcpool.run("call", "demo", "clock").returncode == 0
    problems = "\n".join(mcpool.status()["problems"])
    assert f"{mcpool.path}/config.toml:8: mcp_servers.broken.command" in problems
    assert "NO_SUCH_VARIABLE" in problems
    assert [row["name"] for row in mcpool.status()["servers"]] == ["demo"]


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is unwritable for root")
def test_home_that_cannot_be_written_is_told(demo: McpoolHome) -> None:
    demo.path.chmod(0o500)
    try:
        done = demo.run("call", "demo", "clock")
    finally:
        demo.path.chmod(0o700)
    assert done.returncode == 3
    assert "must be yours to read and write" in done.stderr


@pytest.mark.parametrize("home", ["/proc/mcpool", "/dev/null", "/dev/null/mcpool"])
def test_home_that_cannot_be_made_is_told(mcpool: McpoolHome, home: str) -> None:
    mcpool.environ["MCPOOL_HOME"] = home
    for command in (("up",), ("call", "demo", "clock"), ("connect", "demo")):
        done = mcpool.run(*command)
        assert done.returncode in (2, 3)
        assert home in done.stderr
        assert "Traceback" not in done.stderr
        assert "defect" not in done.stderr
    mcpool.environ["MCPOOL_HOME"] = str(mcpool.path)


def no_room() -> None:
    """From now on no file can grow: a disk that is full, for a process and its children."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))


def test_full_disk_is_told_and_leaves_no_half_written_file_behind(demo: McpoolHome) -> None:
    def up() -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "mcpool", "up"]
        return subprocess.run(
            command, env=demo.environ, capture_output=True, text=True, timeout=TIMEOUT, preexec_fn=no_room
        )

    done = up()
    assert done.returncode == 3
    assert "make room on the disk" in done.stderr
    assert "Traceback" not in done.stderr
    # With room again it starts as if nothing had happened.
    demo.up().ready()
    assert len(demo.token()) >= 32
    assert demo.run("call", "demo", "clock").returncode == 0

"""Processes and files in executors that are real processes: our own, and that of Codex."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from mcpool.environments.executor import Patience
from mcpool.environments.executor_files import ExecutorFiles
from mcpool.environments.executor_launcher import ExecutorLauncher
from mcpool.environments.files import Entry
from mcpool.environments.session import Session
from mcpool.errors import ServerUnavailable
from mcpool.launch.spec import LaunchSpec
from support.exec_servers import ExecServer, cable
from support.executor_client import client_of
from support.mcpool_home import wait_gone

DEADLINE = 30.0


class Heard:
    """A sink that keeps everything."""

    def __init__(self) -> None:
        self.data = bytearray()
        self.status: int | None = None
        self.ended = asyncio.Event()
        self._changed = asyncio.Event()

    def on_bytes(self, data: bytes) -> None:
        self.data += data
        self._changed.set()

    def on_eof(self) -> None:
        pass

    def on_exit(self, status: int | None) -> None:
        self.status = status
        self.ended.set()

    async def until(self, length: int) -> bytes:
        """Its first bytes."""
        async with asyncio.timeout(DEADLINE):
            while len(self.data) < length:
                self._changed.clear()
                await self._changed.wait()
        return bytes(self.data)

    async def line(self) -> str:
        """Its first line."""
        while b"\n" not in self.data:
            await self.until(len(self.data) + 1)
        return self.data.split(b"\n", 1)[0].decode()


def shell(script: str, folder: Path, **env: str) -> LaunchSpec:
    return LaunchSpec("srv", ("/bin/sh", "-c", script), tuple(env.items()), str(folder), ("THERE_TOKEN",))


def launcher(session: Session, said: list[bytes] | None = None) -> ExecutorLauncher:
    return ExecutorLauncher(session, lambda server, lines: (said if said is not None else []).extend(lines))


async def test_a_process_reads_writes_and_ends(far: ExecServer) -> None:
    said: list[bytes] = []
    async with client_of(far) as client:
        heard = Heard()
        link = await launcher(await client.session(), said).start(shell("echo oops >&2; exec cat", far.root), heard)
        link.write(b"hello\n")
        assert await heard.until(6) == b"hello\n"
        await link.close()
        assert heard.ended.is_set()
    assert (said, link.last_words()) == ([b"oops"], "oops")


async def test_it_gets_the_variables_of_its_executor_that_are_named_and_none_of_ours(
    far: ExecServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OURS", "secret")
    async with client_of(far) as client:
        heard = Heard()
        session = await client.session()
        await launcher(session).start(shell("env; echo end", far.root, GIVEN="given"), heard)
        async with asyncio.timeout(DEADLINE):
            await heard.ended.wait()
    found = dict(line.split("=", 1) for line in heard.data.decode().splitlines() if "=" in line)
    assert (found["THERE_TOKEN"], found["GIVEN"], found["HOME"]) == ("there", "given", str(far.root.parent))
    assert not {"OURS", "OTHER", "PYTHONPATH"} & found.keys()


async def test_nothing_is_lost_when_the_socket_is_cut_in_the_middle_of_output(far: ExecServer) -> None:
    lines = 40_000
    expected = b"".join(b"%d\n" % number for number in range(1, lines + 1))
    async with cable(far.port) as line, client_of(far, line.url) as client:
        session = await client.session()
        for share in (5, 3, 2):
            line.cut_after = line.passed + len(expected) // share
            heard = Heard()
            link = await launcher(session).start(shell(f"seq 1 {lines}; exec cat", far.root), heard)
            assert await heard.until(len(expected)) == expected
            line.cut()
            link.write(b"and on\n")
            assert await heard.until(len(expected) + 7) == expected + b"and on\n"
            await link.close()
        assert line.cuts >= 6
        assert client.executor.session is session


async def test_what_runs_ends_with_the_executor_and_the_client_knows_in_time(far: ExecServer) -> None:
    async with client_of(far, patience=Patience(resume=0.5)) as client:
        heard = Heard()
        link = await launcher(await client.session()).start(shell("echo $$; exec sleep 1000", far.root), heard)
        pid = int(await heard.line())
        far.kill()
        async with asyncio.timeout(DEADLINE):
            await heard.ended.wait()
        assert heard.status is None
        assert "could not be resumed" in link.last_words()
        if far.kind == "mcpool":
            wait_gone(pid)  # H8: the warden
        else:
            os.kill(pid, 9)


async def test_a_started_one_is_another(far: ExecServer) -> None:
    async with client_of(far, patience=Patience(resume=0.5)) as client:
        first = await client.session()
        far.kill()
        assert "could not be resumed" in await client.lost()
        far.start()
        second = await client.session()
    assert (first.handle, second.handle) == (1, 2)


async def test_what_can_not_be_started_is_told(far: ExecServer) -> None:
    async with client_of(far) as client:
        session = await client.session()
        with pytest.raises(ServerUnavailable, match=r"no-such-program.*not found"):
            await launcher(session).start(LaunchSpec("srv", ("no-such-program",), (), str(far.root)), Heard())


async def test_files_are_those_of_the_executor(far: ExecServer) -> None:
    (far.root / "a b#.txt").write_bytes(b"text")
    (far.root / "folder").mkdir()
    (far.root / "link").symlink_to("folder")
    async with client_of(far) as client:
        session = await client.session()
        files = ExecutorFiles(lambda: session)
        assert await files.read(f"{far.root}/a b#.txt", 4) == b"text"
        assert await files.kind(f"{far.root}/link") == "folder"
        assert await files.real_path(f"{far.root}/link") == f"{far.root.resolve()}/folder"
        found = await files.list(str(far.root))
        assert [entry for entry in found if entry.name != "link"] == [
            Entry("a b#.txt", "file"),
            Entry("folder", "folder"),
        ]
        for ask in (files.kind, files.list, files.real_path):
            with pytest.raises(FileNotFoundError):
                await ask(f"{far.root}/none")
        with pytest.raises(OSError, match="larger than 3 bytes"):
            await files.read(f"{far.root}/a b#.txt", 3)
        with pytest.raises(IsADirectoryError):
            await files.read(str(far.root), 10)


async def test_the_executor_tells_its_root(far: ExecServer) -> None:
    async with client_of(far) as client:
        assert (await client.session()).info.cwd == far.root.as_uri()

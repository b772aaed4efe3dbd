"""Why a server could not be started, in words that help; and containers."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from mcpool.errors import ServerUnavailable
from mcpool.launch.local import LocalLauncher
from mcpool.launch.local_link import Patience
from mcpool.launch.spec import LaunchSpec

if TYPE_CHECKING:
    from integration.launch.conftest import Starter


class Deaf:
    """Wants to know nothing."""

    def on_bytes(self, data: bytes) -> None: ...

    def on_eof(self) -> None: ...

    def on_exit(self, status: int | None) -> None: ...


def open_descriptors() -> int:
    """How many this process has."""
    return len(os.listdir("/proc/self/fd"))


async def test_command_that_is_not_found_names_the_path_that_was_searched(starter: Starter) -> None:
    """And what to do."""
    named = r"`srv`: .*`nosuch` was not found on the PATH \(/nowhere:/void\); install"
    with pytest.raises(ServerUnavailable, match=named):
        await starter.run("nosuch", env={"PATH": "/nowhere:/void"})


async def test_program_that_does_not_exist_is_named(starter: Starter) -> None:
    """A full path is not searched for."""
    with pytest.raises(ServerUnavailable, match=r"/nowhere/server does not exist"):
        await starter.run("/nowhere/server")


async def test_file_that_is_not_executable_is_named(starter: Starter) -> None:
    """With the remedy."""
    (starter.folder / "server").write_text("#!/bin/sh\n")
    with pytest.raises(ServerUnavailable, match=r"server is not executable; `chmod \+x`"):
        await starter.run(str(starter.folder / "server"))


async def test_working_folder_that_does_not_exist_is_named(starter: Starter) -> None:
    """Not mistaken for a missing command."""
    with pytest.raises(ServerUnavailable, match=r"working folder /nowhere does not exist"):
        await starter.launcher.start(LaunchSpec("srv", ("/bin/cat",), (), "/nowhere"), Deaf())


async def test_file_in_no_executable_format_is_said_to_be_so(starter: Starter) -> None:
    """The system's `Exec format error` in words."""
    server = starter.folder / "server"
    server.write_bytes(b"\x00\x01\x02")
    server.chmod(0o755)
    with pytest.raises(ServerUnavailable, match="in no format that this system can run"):
        await starter.run(str(server))


async def test_missing_interpreter_of_a_script_is_named(starter: Starter) -> None:
    """The script itself does exist."""
    server = starter.folder / "server"
    server.write_text("#!/nowhere/python\n")
    server.chmod(0o755)
    with pytest.raises(ServerUnavailable, match="needs the interpreter /nowhere/python, which does not exist"):
        await starter.run(str(server))


async def test_failed_starts_leave_no_descriptor_open(starter: Starter) -> None:
    """However often they are tried."""
    server = starter.folder / "server"
    server.write_bytes(b"\x00\x01\x02")
    server.chmod(0o755)
    before = open_descriptors()

    for _ in range(5):
        with pytest.raises(ServerUnavailable):
            await starter.run(str(server))

    assert open_descriptors() == before


async def test_ended_servers_leave_no_descriptor_open(starter: Starter) -> None:
    """Pipes, pidfd and logs."""
    before = open_descriptors()

    for _ in range(5):
        link, _ = await starter.run("/bin/cat")
        await link.close()
    await starter.launcher.close()

    assert open_descriptors() == before


async def test_command_by_name_is_found_on_the_path_of_the_server(starter: Starter) -> None:
    """Not on the host's."""
    (starter.folder / "only-here").write_text("#!/bin/sh\necho found\n")
    (starter.folder / "only-here").chmod(0o755)

    _, sink = await starter.run("only-here", env={"PATH": f"{starter.folder}:/usr/bin:/bin"})

    assert await sink.line() == "found"


async def test_container_is_labelled_and_removed_by_its_label(tmp_path: Path) -> None:
    """Ending `docker run` alone would leave the container."""
    docker = tmp_path / "docker"
    docker.write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/calls\ncase $1 in ps) echo c0ffee;; run) cat;; esac\n')
    docker.chmod(0o755)
    known: list[tuple[str, ...]] = []
    async with LocalLauncher(
        tmp_path,
        None,
        "home.host",
        patience=Patience(0.3, 0.3),
        on_container=lambda client: known.append(tuple(client)),
    ) as launcher:
        argv = (str(docker), "run", "--rm", "-i", "image")
        link = await launcher.start(LaunchSpec("srv", argv, (("PATH", "/usr/bin:/bin"),), str(tmp_path)), Deaf())
        await link.close()

    run, listed, removed = (tmp_path / "calls").read_text().splitlines()
    label = run.split()[4]
    assert run == f"run --label mcpool.host=home.host --label {label} --rm -i image"
    assert label.startswith("mcpool.server=")
    assert listed == f"ps -aq --filter label={label}"
    assert removed == "rm -f c0ffee"
    assert known == [(str(docker),)]

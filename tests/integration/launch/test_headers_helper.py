"""A command that prints headers."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mcpool.errors import ServerUnavailable
from mcpool.launch.headers_helper import helper_headers


async def run(command: str, folder: Path) -> dict[str, str]:
    return await helper_headers("api", command, str(folder), {"PATH": os.environ["PATH"]})


async def test_command_that_prints_an_object_gives_its_headers(tmp_path: Path) -> None:
    assert await run("""echo '{"Authorization": "Bearer made"}'""", tmp_path) == {"Authorization": "Bearer made"}


async def test_command_runs_in_the_given_folder(tmp_path: Path) -> None:
    (tmp_path / "headers.json").write_text('{"X-Team": "blue"}')
    assert await run("cat headers.json", tmp_path) == {"X-Team": "blue"}


@pytest.mark.parametrize(
    ("command", "complaint"),
    [
        ("exit 3", "status 3"),
        ("echo nonsense", "did not print a JSON object"),
        ("echo '{}'", "printed no headers"),
        ("head -c 100000 /dev/zero", "more than 64 KiB"),
    ],
)
async def test_command_that_fails_is_an_error_that_says_how(tmp_path: Path, command: str, complaint: str) -> None:
    with pytest.raises(ServerUnavailable, match=complaint):
        await run(command, tmp_path)


async def test_output_never_stands_in_the_error(tmp_path: Path) -> None:
    with pytest.raises(ServerUnavailable) as caught:
        await run("echo s3cret", tmp_path)
    assert "s3cret" not in str(caught.value)

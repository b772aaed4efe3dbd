"""The real filesystem server replaces its allowed folders by its client's roots: no client sees another's."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from mcp_types import ListRootsResult, Root

from gatewaykit.waiting import until
from support.known_servers import npm
from support.mcpool_home import McpoolHome
from support.sdk_clients import Door, text

if TYPE_CHECKING:
    from mcp import Client

pytestmark = pytest.mark.filterwarnings("ignore:The roots capability is deprecated")

DOORS = [Door("url", "legacy"), Door("shim", "legacy")]


@dataclass
class Person:
    """Somebody with folders, and with the client that offers them as roots."""

    folders: list[Path]
    client: Client = field(init=False)

    async def list_roots(self, context: object) -> ListRootsResult:
        return ListRootsResult(roots=[Root(uri=folder.as_uri()) for folder in self.folders])  # type: ignore[arg-type]

    async def reads(self, folder: Path) -> str | None:
        """The note in a folder, or None if that is refused."""
        result = await self.client.call_tool("read_text_file", {"path": str(folder / "note.txt")})
        return None if result.is_error and "outside allowed directories" in str(result.content) else text(result)

    async def has(self, *folders: Path) -> bool:
        """Whether these are what the server allows: it asks for roots on its own, and takes calls meanwhile."""
        allowed = text(await self.client.call_tool("list_allowed_directories"))
        return allowed.splitlines()[1:] == [str(folder) for folder in folders]


@pytest.fixture
def folders(tmp_path: Path) -> dict[str, Path]:
    """Folders with a note each; `all` may be read by those that offer no roots."""
    found = {name: tmp_path.resolve() / name for name in ("ann", "bob", "new", "all")}
    for name, folder in found.items():
        folder.mkdir()
        (folder / "note.txt").write_text(f"a note of {name}")
    return found


@pytest.fixture
def files(mcpool: McpoolHome, folders: dict[str, Path]) -> McpoolHome:
    """A daemon of one filesystem server."""
    server = {"command": npm("mcp-server-filesystem"), "args": [str(folders["all"])], "cwd": str(folders["all"])}
    mcpool.configure_servers(files=server)
    mcpool.up().ready()
    return mcpool


async def arrive(stack: AsyncExitStack, door: Door, mcpool: McpoolHome, *folders: Path) -> Person:
    """A client that comes in by this door and offers these folders."""
    person = Person(list(folders))

    async def list_roots(context: object) -> ListRootsResult:
        return await person.list_roots(context)

    options: dict[str, Any] = {"list_roots_callback": list_roots}
    person.client = await stack.enter_async_context(door.client(mcpool, "files", **options))
    await until(lambda: person.has(*folders))
    return person


@pytest.mark.parametrize("second", DOORS, ids=str)
@pytest.mark.parametrize("first", DOORS, ids=str)
async def test_neither_of_two_clients_can_read_the_other_s_folder(
    files: McpoolHome, folders: dict[str, Path], first: Door, second: Door
) -> None:
    async with AsyncExitStack() as stack:
        ann = await arrive(stack, first, files, folders["ann"])
        bob = await arrive(stack, second, files, folders["bob"])
        seen = {
            (name, of): await person.reads(folders[of])
            for name, person in (("ann", ann), ("bob", bob))
            for of in ("ann", "bob", "all")
        }

    assert {whose for whose, note in seen.items() if note is not None} == {("ann", "ann"), ("bob", "bob")}
    assert seen["ann", "ann"] == "a note of ann"


@pytest.mark.parametrize("door", DOORS, ids=str)
async def test_roots_that_change_take_the_old_ones_away_and_touch_nobody_else(
    files: McpoolHome, folders: dict[str, Path], door: Door
) -> None:
    async with AsyncExitStack() as stack:
        ann = await arrive(stack, door, files, folders["ann"])
        bob = await arrive(stack, door, files, folders["bob"])

        ann.folders[:] = [folders["new"]]
        await ann.client.send_roots_list_changed()  # pyright: ignore[reportDeprecated]
        await until(lambda: ann.has(folders["new"]))

        assert [await ann.reads(folders[name]) for name in ("new", "ann", "bob")] == ["a note of new", None, None]
        assert [await bob.reads(folders[name]) for name in ("new", "ann", "bob")] == [None, None, "a note of bob"]


@pytest.mark.parametrize("door", DOORS, ids=str)
async def test_clients_of_equal_roots_share_a_process(files: McpoolHome, folders: dict[str, Path], door: Door) -> None:
    async with AsyncExitStack() as stack:
        for _ in range(2):
            await arrive(stack, door, files, folders["ann"], folders["new"])
        rows = (await asyncio.to_thread(files.status))["servers"]

    # One more for what they said before their roots were known.
    assert sorted(row["leases"] for row in rows)[-1] == 2
    assert len(rows) <= 2


@pytest.mark.parametrize("door", DOORS, ids=str)
async def test_roots_that_change_while_they_are_listed_are_listed_again(
    files: McpoolHome, folders: dict[str, Path], door: Door
) -> None:
    async with AsyncExitStack() as stack:
        person = await arrive(stack, door, files, folders["ann"])
        asked = person.list_roots
        told = 0

        async def late(context: object) -> ListRootsResult:
            nonlocal told
            told += 1
            answer = await asked(context)
            if told == 1:
                person.folders[:] = [folders["new"]]
                await person.client.send_roots_list_changed()  # pyright: ignore[reportDeprecated]
            return answer

        person.list_roots = late  # type: ignore[method-assign]
        person.folders[:] = [folders["bob"]]
        await person.client.send_roots_list_changed()  # pyright: ignore[reportDeprecated]
        await until(lambda: person.has(folders["new"]))

"""Calls that need an approval, behind the gateway: its clients are asked, in whichever era they speak (S2)."""

from __future__ import annotations

import json
import sys
import tomllib
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import gatewaykit
import mcpool
from gatewaykit import raw_server
from gatewaykit.asked_place import told
from gatewaykit.http_client import HttpClient
from gatewaykit.sdk_client import over_http
from gatewaykit.serving import gateway_for, serving
from mcpool.demo.counter import counter
from mcpool.threads.approval_form import MARK

if TYPE_CHECKING:
    from mcp.client import ClientRequestContext
    from mcp_types import ElicitRequestParams, ElicitResult

CONFIG = """\
[mcp_servers.free]  # nothing is said of approvals
command = {python}
args = ["-I", "-S", {raw}]
cwd = "/"

[mcp_servers.old]  # of the handshake era
command = {python}
args = ["-I", "-S", {raw}]
cwd = "/"
default_tools_approval_mode = "prompt"

[mcp_servers.asks]  # of 2026-07-28, and asks by itself
command = {python}
args = [{asking}]
cwd = "/"
default_tools_approval_mode = "prompt"

[mcp_servers.rooted]  # of 2026-07-28, and wants to know its client's roots
command = {python}
args = [{rooted}, "modern"]
cwd = "/"
default_tools_approval_mode = "prompt"

# The last one.
[mcp_servers.new]  # of 2026-07-28
command = {python}
args = ["-m", "mcpool.demo"]
cwd = "/"
default_tools_approval_mode = "prompt"
"""
ASKING = Path(__file__).parents[3] / "docs" / "examples" / "asking_server.py"
ROOTED = Path(gatewaykit.__file__).with_name("sdk_asker.py")
MODES = ["legacy", "2026-07-28"]
TOOLS = {"old": ("echo", {"a": 1}), "new": ("counter", {"add": 1})}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "home").mkdir(mode=0o700)
    file = tmp_path / "home" / "config.toml"
    programs = {"python": sys.executable, "raw": str(raw_server.__file__), "asking": str(ASKING), "rooted": str(ROOTED)}
    file.write_text(CONFIG.format(**{name: json.dumps(path) for name, path in programs.items()}))
    return file


@pytest.fixture
async def port(file: Path) -> AsyncGenerator[int]:
    async with mcpool.open(home=file.parent) as host, serving(gateway_for(host)) as port:
        yield port


class Person:
    """Answers forms with the decisions that the test has given."""

    def __init__(self, *decisions: str) -> None:
        self.asked: list[Any] = []
        self._decisions = list(decisions)

    async def __call__(self, context: ClientRequestContext, params: ElicitRequestParams) -> ElicitResult:
        from mcp_types import ElicitResult

        self.asked.append(params.model_dump(by_alias=True))
        decision = self._decisions.pop(0)
        if decision == "decline":
            return ElicitResult(action="decline")
        if decision == "sure":
            return ElicitResult(action="accept", content={"sure": True})
        return ElicitResult(action="accept", content={"decision": decision, "reason": "not on a Friday"})


@asynccontextmanager
async def client(port: int, server: str, mode: Any, person: Person | None) -> AsyncGenerator[Any]:
    options = {} if person is None else {"elicitation_callback": person}
    async with over_http(port, f"/mcp/{server}", mode, **options) as it:
        yield it


async def refusal(client: Any, server: str) -> str:
    from mcp import MCPError

    with pytest.raises(MCPError) as refused:
        await client.call_tool(*TOOLS[server])
    return str(refused.value)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("server", TOOLS)
async def test_a_client_of_either_era_is_asked_and_its_answer_counts(port: int, server: str, mode: Any) -> None:
    person = Person("once", "decline", "deny", "session")
    async with client(port, server, mode, person) as it:
        assert not (await it.call_tool(*TOOLS[server])).is_error
        assert "was not approved; nothing was sent" in await refusal(it, server)
        assert "was denied: not on a Friday; nothing was sent" in await refusal(it, server)
        for _ in range(3):
            assert not (await it.call_tool(*TOOLS[server])).is_error
    assert len(person.asked) == 4
    tool, arguments = TOOLS[server]
    about = person.asked[0]["_meta"][MARK]
    assert (about["tool"], about["arguments"]) == (tool, arguments)
    assert about["choices"] == ["once", "session", "always", "deny"]


@pytest.mark.parametrize("mode", MODES)
async def test_a_client_that_cannot_be_asked_is_told_what_to_do(port: int, mode: Any) -> None:
    async with client(port, "old", mode, None) as it:
        said = await refusal(it, "old")
    assert 'there is nobody to ask; set `approval_mode = "approve"` for it, or use a client that can be asked' in said


@pytest.mark.parametrize("mode", MODES)
async def test_where_nothing_is_configured_clients_approve_by_themselves(port: int, mode: Any) -> None:
    async with client(port, "free", mode, None) as it:
        assert not (await it.call_tool("echo", {})).is_error


async def test_an_approval_for_ever_is_in_the_file_and_holds_for_every_client(port: int, file: Path) -> None:
    before = text_of(file)
    async with client(port, "old", "legacy", Person("always")) as it:
        await it.call_tool("echo", {})
    after = text_of(file)
    assert after.startswith(before)
    tool = tomllib.loads(after)["mcp_servers"]["old"]["tools"]["echo"]
    assert tool["approval_mode"] == "approve"
    assert tool["approved_definition"].startswith("sha256:")
    for mode in MODES:
        async with client(port, "old", mode, None) as other:
            assert not (await other.call_tool("echo", {})).is_error
            assert "needs an approval" in await refusal_of(other, "pid")


def text_of(file: Path) -> str:
    return file.read_text()


async def refusal_of(client: Any, tool: str) -> str:
    from mcp import MCPError

    with pytest.raises(MCPError) as refused:
        await client.call_tool(tool, {})
    return str(refused.value)


@pytest.mark.parametrize("mode", MODES)
async def test_a_call_whose_server_asks_too_is_approved_once(port: int, mode: Any) -> None:
    person = Person("once", "sure")
    async with client(port, "asks", mode, person) as it:
        result = await it.call_tool("delete", {"folder": "/tmp/old"})
    assert result.content[0].text == "deleted /tmp/old"
    assert [asked["message"] for asked in person.asked] == [
        'Allow asks to run `delete` with {"folder": "/tmp/old"}?',
        "Delete /tmp/old?",
    ]


async def test_a_call_that_had_to_be_approved_is_told_the_roots_of_a_new_client(port: int) -> None:
    from mcp_types import ListRootsResult, Root

    asked: list[str] = []

    async def roots(context: object) -> ListRootsResult:
        asked.append("roots")
        return ListRootsResult(roots=[Root(uri="file:///srv/repo")])  # type: ignore[arg-type]

    options = {"elicitation_callback": Person("session", "once"), "list_roots_callback": roots}
    async with over_http(port, "/mcp/rooted", "2026-07-28", **options) as it:
        for _ in range(2):  # asked about, and approved before
            assert told(await it.call_tool("folders", {"key": "k"}))["answer"] == ["file:///srv/repo"]
    assert asked == ["roots", "roots"]


async def test_annotations_pass_unchanged(port: int) -> None:
    async with HttpClient(port, "/mcp/new") as it:
        await it.initialize()
        (listed,) = [tool for tool in (await it.result("tools/list"))["tools"] if tool["name"] == "counter"]
    assert listed["annotations"] == counter().definition["annotations"]

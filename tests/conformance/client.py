"""The client under test: a program on mcpool that uses whatever its one server offers, and signs in when it has to.

Each scenario has a server of its own, and may say in its context what is special about it.
"""

from __future__ import annotations

import tempfile
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import httpx2

import mcpool
from mcpool.config.server import Http
from mcpool.oauth.callback import Answer, read_answer
from mcpool.oauth.grant import grant_place
from mcpool.oauth.interactive import Visit, sign_in
from mcpool.oauth.store import GrantStore
from mcpool.oauth.way import from_here
from mcpool.wire.http_tls import tls
from mcpool.wire.revisions import MODERN_VERSIONS

NAME = "suite"
REDIRECT = "http://127.0.0.1:8378/callback"
SETTINGS: dict[str, dict[str, Any]] = {
    # What a user writes whose client has a metadata document of its own.
    "auth/basic-cimd": {"client_id": "https://conformance-test.local/client-metadata.json"},
}
"""What is configured for single scenarios, under `oauth`."""
SIGN_INS = 3
"""How often it signs in at most: a server that is never content must not keep it busy for ever."""


class Agent:
    """What stands for a model here: it calls every tool that it is shown, and reads all there is to read."""

    def __init__(self, thread: mcpool.Thread, asked_for: list[dict[str, Any]]) -> None:
        self._thread = thread
        self._asked_for = asked_for
        """Calls that the scenario names; without any there is one for each tool."""

    async def work(self) -> None:
        failed = (await self._thread.ready())[NAME]
        if failed is not None:
            raise failed
        async with self._thread.step() as step:
            shown = {tool.raw_name: tool for tool in step.tools.values()}
            calls = self._asked_for or [
                {"name": name, "arguments": arguments_for(tool, shown)} for name, tool in shown.items()
            ]
            for call in calls:
                await step.call(shown[call["name"]].name, call["arguments"], timeout=20)
            await read_all(step)


async def read_all(step: mcpool.Step) -> None:
    """Read every resource, and get every prompt."""
    for resource in await _or_nothing(step.resources(NAME)):
        await step.read_resource(NAME, resource["uri"])
    for prompt in await _or_nothing(step.prompts(NAME)):
        await step.get_prompt(NAME, prompt["name"], {})


async def _or_nothing(listing: Awaitable[list[dict[str, Any]]]) -> list[dict[str, Any]]:
    try:
        return await listing
    except mcpool.RpcError:
        return []  # not every server has that


def arguments_for(tool: mcpool.Tool, shown: dict[str, mcpool.Tool]) -> dict[str, Any]:
    """Something for each argument that a tool wants."""
    if tool.raw_name == "json_schema_echo":  # wants to see the schema that it gave for the other tool
        return {"schema": shown["json_schema_2020_12_tool"].spec["inputSchema"]}
    schema: dict[str, Any] = tool.spec["inputSchema"]
    properties: dict[str, Any] = schema.get("properties", {})
    samples: dict[str, Any] = {"number": 5, "integer": 3, "boolean": True, "object": {}, "array": []}
    return {name: samples.get(properties[name].get("type"), "us-west1") for name in schema.get("required", ())}


def answer(question: mcpool.Elicitation) -> mcpool.ElicitAnswer:
    """Accept, with the defaults of the form."""
    properties: dict[str, Any] = (question.schema or {}).get("properties", {})
    content = {name: field["default"] for name, field in properties.items() if "default" in field}
    return mcpool.ElicitAnswer("accept", content)


class Browser:
    """A person with a browser who agrees to everything."""

    def __init__(self) -> None:
        self._answer: Answer | None = None

    async def show(self, url: str) -> None:
        """Go where the issuer sends us, up to our own address."""
        async with httpx2.AsyncClient(trust_env=False, verify=tls()) as client:
            response = await client.get(url)
        self._answer = read_answer(urljoin(url, response.headers["location"]))

    async def answer(self) -> Answer:
        assert self._answer is not None
        return self._answer


async def sign_in_to(http: Http, store: GrantStore, more: tuple[str, ...]) -> None:
    """What `mcpool auth` does."""
    place = grant_place(http, "", "local")
    kept = await store.read(place)
    browser = Browser()
    visit = Visit(REDIRECT, browser.show, browser.answer)
    grant = await sign_in(NAME, http, None if kept is None else kept.grant, visit, from_here(lambda _: None), more)
    await store.write(place, grant)


async def persist(work: Callable[[], Awaitable[None]], http: Http, store: GrantStore) -> None:
    """Work, and sign in and work again if that is what the server wants."""
    for _ in range(SIGN_INS):
        try:
            await work()
        except mcpool.AuthRequired as error:
            await sign_in_to(http, store, error.scopes)
        else:
            return
    await work()


@dataclass(frozen=True)
class Wanted:
    """What the suite says to a client."""

    scenario: str
    url: str
    context: dict[str, Any]
    revision: str | None
    """The one to speak; None says nothing of it."""


def credentials(wanted: Wanted) -> dict[str, Any]:
    """What the issuer gave beforehand: to a client of people, or to one that signs in by itself."""
    given = {"client_id": "client_id", "client_secret": "client_secret", "private_key": "private_key_pem"}
    found = {key: wanted.context[name] for key, name in given.items() if name in wanted.context}
    by_itself = wanted.scenario.startswith("auth/client-credentials-")
    return found | ({"grant_type": "client_credentials"} if by_itself else {})


async def run(wanted: Wanted) -> None:
    """Be the client of one scenario.

    Raises:
        McpoolError: the server did not give what was wanted of it. In some scenarios it must not.
    """
    context = wanted.context
    oauth = SETTINGS.get(wanted.scenario) or credentials(wanted)
    # A new server is not offered the handshake when it is slow to answer, which on a busy machine it is.
    era = "modern" if wanted.revision in MODERN_VERSIONS else "auto"
    config = {"mcpServers": {NAME: {"url": wanted.url, "oauth": oauth, "era": era}}}
    with tempfile.TemporaryDirectory() as home:
        async with mcpool.open(config, home=home) as host, host.thread(on_elicit=answer) as thread:
            (server,) = host.servers
            assert isinstance(server.transport, Http)
            agent = Agent(thread, context.get("toolCalls", []))
            await persist(agent.work, server.transport, GrantStore(Path(home)))

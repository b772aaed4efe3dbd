"""Everything that the demo server offers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from mcpool.demo.clock import clock
from mcpool.demo.counter import counter
from mcpool.demo.search import search
from mcpool.demo.slow import slow
from mcpool.demo.tool import Json, Tool

INSTRUCTIONS = (
    "A demo server that comes with mcpool: a clock, a counter that all clients of one process share, a text search "
    "over the working folder, and slow work with progress."
)
ABOUT_URI = "demo://about"
_ABOUT = """\
# The demo server of mcpool

It runs because nothing else is configured yet. Things to try:

- Call `counter` with {"add": 1} from two clients. Both see one value and one pid: they share one process.
- Call `slow` from one client and `clock` from another. Neither waits for the other.
- Cancel `slow` half way. Nobody else notices.

Add servers of your own with `mcpool import`, or in `config.toml` under `[mcp_servers.NAME]`.
"""
_PROMPT_NAME = "find_in_folder"


class Catalogue(NamedTuple):
    """What is listed, by method and key, and what answers."""

    tools: Mapping[str, Tool]
    resources: tuple[Json, ...]
    prompts: tuple[Json, ...]


def catalogue(folder: str) -> Catalogue:
    """The catalogue of a server that works in `folder`."""
    tools = (clock(), counter(), search(folder), slow())
    resource: Json = {
        "uri": ABOUT_URI,
        "name": "about",
        "title": "About this server",
        "description": "What the demo server is for, and what to try with it.",
        "mimeType": "text/markdown",
    }
    prompt: Json = {
        "name": _PROMPT_NAME,
        "title": "Find something in this folder",
        "description": "Asks for where something is dealt with in the files of the working folder.",
        "arguments": [{"name": "topic", "description": "What to look for", "required": True}],
    }
    return Catalogue({tool.name: tool for tool in tools}, (resource,), (prompt,))


def read_resource(uri: str) -> Json | None:
    """The result of `resources/read`, or None if there is no such resource."""
    if uri != ABOUT_URI:
        return None
    return {"contents": [{"uri": ABOUT_URI, "mimeType": "text/markdown", "text": _ABOUT}]}


def get_prompt(name: str, arguments: Mapping[str, object]) -> Json | None:
    """The result of `prompts/get`, or None if there is no such prompt or its argument is missing."""
    topic = arguments.get("topic")
    if name != _PROMPT_NAME or not isinstance(topic, str):
        return None
    text = (
        f"Where do the files of this folder deal with {topic}? Use the `search` tool with a few likely words, "
        "then say which files and lines matter and why."
    )
    return {"description": f"Find {topic}", "messages": [{"role": "user", "content": {"type": "text", "text": text}}]}

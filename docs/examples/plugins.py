"""A thread that has a plugin of its own: a server, and a skill that the user names."""

import asyncio
import json
import sys
import tempfile
from pathlib import Path

import mcpool

SERVERS = {"mcpServers": {"kit-demo": {"command": sys.executable, "args": ["-m", "mcpool.demo"]}}}
SKILL = "---\nname: count\ndescription: How to count. Use it when numbers matter.\n---\n\nCall the counter once.\n"


def write_plugin(folder: Path) -> None:
    for file, text in (
        (".claude-plugin/plugin.json", json.dumps({"name": "kit", "description": "Useful things"})),
        (".mcp.json", json.dumps(SERVERS)),
        ("skills/count/SKILL.md", SKILL),
    ):
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).write_text(text)


async def main(folder: str) -> None:
    write_plugin(Path(folder))
    async with mcpool.open({"mcpServers": {}}) as host:
        async with host.thread(capability_roots=[mcpool.CapabilityRoot("kit", folder)]) as thread:
            thread.mention_in("How many? Use $count.")  # what the user said
            async with thread.step() as step:
                print(next(iter(step.tools)))
                print(thread.news(step).text)  # for the model


with tempfile.TemporaryDirectory() as folder:
    asyncio.run(main(folder))

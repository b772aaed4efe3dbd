"""A web service whose requests share one set of MCP servers.

Run it with `uvicorn fastapi_app:app`. The servers come from `$MCPOOL_HOME/config.toml`, or from the file that
`MCPOOL_CONFIG` names. Each is one process, however many requests are served at once.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any

from fastapi import Depends, FastAPI, HTTPException, Request
from pydantic import BaseModel

import mcpool


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """One host for the life of the application."""
    async with mcpool.open(os.environ.get("MCPOOL_CONFIG")) as host:
        app.state.host = host
        async with host.thread() as thread:
            await thread.ready()  # the first request finds every server started; leave it out to start them lazily
            yield


async def thread_of_request(request: Request) -> AsyncIterator[mcpool.Thread]:
    """One thread for each request: it is what a request sees of the servers, and costs next to nothing."""
    async with request.app.state.host.thread() as thread:
        yield thread


app = FastAPI(lifespan=lifespan)
RequestThread = Annotated[mcpool.Thread, Depends(thread_of_request)]


class Call(BaseModel):
    """The arguments of a tool."""

    arguments: dict[str, Any] = {}


@app.get("/tools")
async def tools(thread: RequestThread) -> list[dict[str, Any]]:
    """What a model would be shown."""
    async with thread.step() as step:
        return step.tools.openai()


@app.post("/tools/{name}")
async def call_tool(name: str, call: Call, thread: RequestThread) -> Any:
    """Call one tool by the name that `/tools` gives it."""
    async with thread.step() as step:
        try:
            result = await step.call(name, call.arguments, timeout=30)
        except mcpool.ToolNotFound as error:
            raise HTTPException(404, str(error)) from error
        except mcpool.CallTimeout as error:
            raise HTTPException(504, str(error)) from error
        except mcpool.ServerError as error:
            raise HTTPException(502, str(error)) from error
    return result.value

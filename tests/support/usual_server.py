"""A server as most are: written in Python with the official SDK, which takes most of a second to import."""

import os

from mcp.server.mcpserver import MCPServer

server = MCPServer("usual")


@server.tool()
def pid() -> str:
    """The process that answers."""
    return str(os.getpid())


if __name__ == "__main__":
    server.run("stdio")

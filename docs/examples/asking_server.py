"""An MCP server that asks its user something before it works, with the official SDK."""

from typing import Annotated

from mcp.server.mcpserver import AcceptedElicitation, Elicit, ElicitationResult, MCPServer, Resolve
from pydantic import BaseModel

server = MCPServer("asking")


class Confirmation(BaseModel):
    sure: bool


def confirm(folder: str) -> Elicit[Confirmation]:
    return Elicit(f"Delete {folder}?", Confirmation)


@server.tool()
def delete(folder: str, answer: Annotated[ElicitationResult[Confirmation], Resolve(confirm)]) -> str:
    """Delete a folder, after asking. (This one only says so.)"""
    if isinstance(answer, AcceptedElicitation) and answer.data.sure:
        return f"deleted {folder}"
    return f"kept {folder}"


if __name__ == "__main__":
    server.run("stdio")

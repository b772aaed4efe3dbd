"""fastmcp's proxy in front of one stdio server: PORT COMMAND..."""

from __future__ import annotations

import sys

from fastmcp import Client
from fastmcp.client.transports import StdioTransport
from fastmcp.server import create_proxy

client = Client(StdioTransport(command=sys.argv[2], args=sys.argv[3:]))
create_proxy(client).run(
    transport="http",
    host="127.0.0.1",
    port=int(sys.argv[1]),
    show_banner=False,
    uvicorn_config={"log_level": "warning", "access_log": False},
)

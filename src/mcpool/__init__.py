"""mcpool: the MCP runtime of an agent host. One process per server, shared by every thread that may share it."""

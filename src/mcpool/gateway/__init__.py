"""A face: one MCP endpoint that any number of MCP clients share."""

"""The bundled MCP server that runs when nothing is configured: `python -m mcpool.demo`.

Standard library only, so that it is up within tens of milliseconds; it shares no code with the rest of mcpool.
"""

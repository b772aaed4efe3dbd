"""What is known of popular servers, however they are started."""

from __future__ import annotations

import pytest

from mcpool.config.known_servers import keeps_state, uses_roots

FILESYSTEM = [
    "npx -y @modelcontextprotocol/server-filesystem /srv",
    "npx --package @modelcontextprotocol/server-filesystem@2026.8.31 mcp-server-filesystem /srv",
    "/usr/local/bin/npx -y @modelcontextprotocol/server-filesystem@latest .",
    "C:\\nodejs\\npx.cmd -y @modelcontextprotocol/server-filesystem C:\\data",
    "bunx @modelcontextprotocol/server-filesystem .",
    "pnpm dlx @modelcontextprotocol/server-filesystem .",
    "mcp-server-filesystem /srv",
    "node /app/node_modules/@modelcontextprotocol/server-filesystem/dist/index.js /srv",
    "docker run -i --rm -v /srv:/srv mcp/filesystem:latest /srv",
]


@pytest.mark.parametrize("line", FILESYSTEM)
def test_the_filesystem_server_uses_roots_however_it_is_started(line: str):
    assert uses_roots(line.split())


@pytest.mark.parametrize(
    "line",
    [
        "npx -y @modelcontextprotocol/server-memory",
        "npx -y some-server mcp-server-filesystem",
        "uvx mcp-server-git --repository /src/mcp-server-filesystem",
        "python -m my_server @modelcontextprotocol/server-filesystem",
        "",
    ],
)
def test_other_servers_and_their_arguments_do_not(line: str):
    assert not uses_roots(line.split())


@pytest.mark.parametrize(
    ("line", "word"),
    [
        ("npx -y @modelcontextprotocol/server-sequential-thinking", "thoughts"),
        ("npx @playwright/mcp@latest --headless", "browser"),
        ("npx -y chrome-devtools-mcp@0.6.0", "browser"),
        ("node node_modules/chrome-devtools-mcp/build/index.js", "browser"),
        ("npx -y @modelcontextprotocol/server-puppeteer", "browser"),
        ("uvx --from mcp-server-jupyter==1.2 mcp-server-jupyter", "interpreter"),
        ("python3.12 -m mcp_server_ipython", "interpreter"),
        ("uv tool run mcp-python-interpreter", "interpreter"),
    ],
)
def test_a_stateful_server_is_known_with_its_reason(line: str, word: str):
    reason = keeps_state(line.split())
    assert reason is not None
    assert word in reason


@pytest.mark.parametrize("line", ["uvx mcp-server-time", "npx -y @modelcontextprotocol/server-everything", "node x.js"])
def test_nothing_is_claimed_of_other_servers(line: str):
    assert keeps_state(line.split()) is None

"""What is known of popular servers and cannot be asked of them: who depends on roots, and who keeps state."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from mcpool.config.server import ServerConfig, Stdio

_USES_ROOTS = frozenset({"@modelcontextprotocol/server-filesystem", "mcp-server-filesystem", "mcp/filesystem"})

_BROWSER = "it drives one browser: its tabs, pages and logins would be shared"
_REPL = "it runs one interpreter: its variables and its working folder would be shared"
_KEEPS_STATE = {
    "@modelcontextprotocol/server-sequential-thinking": "it keeps one chain of thoughts in memory",
    "mcp-server-sequential-thinking": "it keeps one chain of thoughts in memory",
    "mcp/sequentialthinking": "it keeps one chain of thoughts in memory",
    "@playwright/mcp": _BROWSER,
    "@executeautomation/playwright-mcp-server": _BROWSER,
    "mcp/playwright": _BROWSER,
    "chrome-devtools-mcp": _BROWSER,
    "@modelcontextprotocol/server-puppeteer": _BROWSER,
    "mcp-server-puppeteer": _BROWSER,
    "mcp/puppeteer": _BROWSER,
    "@browsermcp/mcp": _BROWSER,
    "browser-use": _BROWSER,
    "mcp-python-interpreter": _REPL,
    "mcp-server-ipython": _REPL,
    "mcp-server-jupyter": _REPL,
    "jupyter-mcp-server": _REPL,
    "mcp-repl": _REPL,
    "node-code-sandbox-mcp": _REPL,
    "@wonderwhy-er/desktop-commander": "it keeps terminals open: their folders and processes would be shared",
}

_LAUNCHERS = frozenset({"npx", "pnpx", "bunx", "uvx", "npm", "pnpm", "yarn", "bun", "node", "deno", "uv", "pipx"})
_SUBCOMMANDS = frozenset({"dlx", "exec", "run", "tool", "uvx", "x"})
_NAMES_A_PACKAGE = frozenset({"-p", "--package", "--from", "-m", "--spec"})
_CONTAINERS = frozenset({"docker", "podman", "nerdctl"})
_PYTHON = re.compile(r"python[0-9.]*|pypy[0-9.]*")
_VERSION = re.compile(r"(?<=.)(@[^/]*|[=<>~!]=?.*|\[.*|:[^/]*)$")


def uses_roots(argv: Sequence[str]) -> bool:
    """Whether the server replaces what it works on by its client's roots: clients with other roots need another one."""
    return any(name in _USES_ROOTS for name in _programs(argv))


def keeps_state(argv: Sequence[str]) -> str | None:
    """Why threads should not share this server (a clause that says what it keeps), or None if nothing is known."""
    return next((_KEEPS_STATE[name] for name in _programs(argv) if name in _KEEPS_STATE), None)


def state_at_risk(server: ServerConfig) -> str | None:
    """What threads would share by accident (as `keeps_state`): None unless nobody chose the scope of the server."""
    transport = server.transport
    if not isinstance(transport, Stdio) or server.scope is not None or not server.enabled:
        return None
    return keeps_state((transport.command, *transport.args))


def program_names(argv: Sequence[str]) -> frozenset[str]:
    """All names that the server of a command line may go by: its package, image or script."""
    return frozenset(_programs(argv))


def _programs(argv: Sequence[str]) -> Iterator[str]:
    """The names that the server itself may go by: its package, image or script, never one of its own arguments."""
    if not argv:
        return
    command = _base(argv[0])
    if command in _CONTAINERS:
        yield from (_VERSION.sub("", word) for word in argv[1:])
    elif command in _LAUNCHERS or _PYTHON.fullmatch(command):
        yield from _launched(argv[1:])
    else:
        yield from _spellings(argv[0])


def _launched(words: Sequence[str]) -> Iterator[str]:
    named = False
    for word in words:
        if named or (not word.startswith("-") and word not in _SUBCOMMANDS):
            yield from _spellings(word)
            return
        named = word in _NAMES_A_PACKAGE


def _spellings(word: str) -> Iterator[str]:
    """`word` without its version; for the path of an installed script, also the packages on the way to it."""
    name = _VERSION.sub("", word)
    yield name
    yield name.replace("_", "-")
    parts = name.replace("\\", "/").split("/")
    yield _base(name)
    if "node_modules" in parts:
        rest = parts[len(parts) - parts[::-1].index("node_modules") :]
        yield "/".join(rest[:2])
        yield rest[0]


def _base(path: str) -> str:
    name = path.replace("\\", "/").rsplit("/", 1)[-1]
    return re.sub(r"\.(exe|cmd|bat|ps1)$", "", name, flags=re.IGNORECASE)

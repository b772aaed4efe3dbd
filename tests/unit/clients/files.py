"""Realistic files of each client, in the forms in which people and programs leave them."""

from __future__ import annotations

from collections.abc import Callable

CLAUDE_CODE = """\
{
  "numStartups": 212,
  "installMethod": "global",
  "tipsHistory": {
    "new-user-warmup": 5
  },
  "mcpServers": {
    "git": {
      "type": "stdio",
      "command": "uvx",
      "args": [
        "mcp-server-git"
      ],
      "env": {}
    },
    "sentry": {
      "type": "http",
      "url": "https://mcp.sentry.dev/mcp",
      "headers": {
        "X-Team": "core"
      }
    },
    "old": {
      "type": "sse",
      "url": "https://example.com/sse"
    }
  },
  "projects": {
    "/home/ada/web": {
      "allowedTools": [],
      "history": [
        {
          "display": "why { does } this \\"fail\\"?",
          "pastedContents": {}
        }
      ],
      "mcpServers": {
        "db": {
          "type": "stdio",
          "command": "uvx",
          "args": [
            "mcp-db",
            "--dsn",
            "sqlite:///home/ada/web.db"
          ],
          "env": {}
        }
      },
      "hasTrustDialogAccepted": true
    },
    "/home/ada/empty": {
      "mcpServers": {}
    }
  },
  "oauthAccount": {
    "emailAddress": "ada@example.com"
  }
}
"""

CLAUDE_DESKTOP = """\
{
    "globalShortcut": "Ctrl+Space",
    "mcpServers": {
        "filesystem": { "command": "npx", "args": ["-y", "@modelcontextprotocol/server-filesystem", "/home/ada"] },
        "github": {
            "command": "docker",
            "args": ["run", "-i", "--rm", "-e", "GITHUB_PERSONAL_ACCESS_TOKEN", "ghcr.io/github/github-mcp-server"],
            "env": { "GITHUB_PERSONAL_ACCESS_TOKEN": "ghp_0123456789abcdefghijABCDEFGHIJ012345" }
        }
    }
}"""

CODEX = """\
# my settings
model = "gpt-5"          # the big one
approval_policy = "on-request"

[mcp_servers.git]        # version control
command = "uvx"
args = [
  "mcp-server-git",      # from PyPI
]
startup_timeout_sec = 20 # slow disk

[mcp_servers.git.env]
GIT_PAGER = "cat"

[tui]
theme = "dark"

[mcp_servers."docs site"]
url = "https://developers.example.com/mcp"
bearer_token_env_var = "DOCS_TOKEN"

[projects."/home/ada/web"]
trust_level = "trusted"
"""

CURSOR = """\
{
\t"mcpServers": {
\t\t// the company's
\t\t"linear": { "url": "https://mcp.linear.app/mcp", },
\t\t"git": {
\t\t\t"args": ["mcp-server-git"],   // odd order
\t\t\t"disabled": false,
\t\t\t"command": "uvx",
\t\t\t"alwaysAllow": ["git_status"],
\t\t},
\t},
}
"""

VSCODE = """\
{
\t// Servers for all workspaces.
\t"inputs": [
\t\t{ "type": "promptString", "id": "key", "description": "API key", "password": true }
\t],
\t"servers": {
\t\t/* files */ "files": {
\t\t\t"type": "stdio",
\t\t\t"command": "npx",
\t\t\t"args": ["-y", "@modelcontextprotocol/server-filesystem", "/home/ada"]
\t\t},
\t\t"api": { "type": "http", "url": "https://api.example.com/mcp", "headers": { "X-Key": "${input:key}" } } // last
\t}
}
"""

GEMINI = """\
{
  "security": {"auth": {"selectedType": "gemini-api-key"}},
  "mcpServers": {
    "git": {"command": "uvx", "args": ["mcp-server-git"], "trust": true, "timeout": 30000},
    "search": {"httpUrl": "https://search.example.com/mcp"}
  },
  "ui": {"theme": "GitHub"}
}
"""

ZED = """\
// Zed settings
//
// For information on how to configure Zed, see the documentation.
{
  "theme": "One Dark",
  // "vim_mode": true,
  "context_servers": {
    "git": {
      "source": "custom",
      "enabled": true,
      "command": "uvx",
      "args": ["mcp-server-git"],
      "env": {}
    },
    "by-extension": { "source": "extension", "settings": { "key": 1 } }
  },
  "ui_font_size": 16, // points
}
"""

OPENCODE_1 = """\
{
  "$schema": "https://opencode.ai/config.json",
  "theme": "opencode",
  "mcp": {
    "everything": {
      "type": "local",
      "command": ["npx", "-y", "@modelcontextprotocol/server-everything"],
      "environment": { "LEVEL": "info" },
      "enabled": true,
    },
    "jira": { "type": "remote", "url": "https://jira.example.com/mcp" },
  },
}
"""

OPENCODE_2 = """\
{
  "$schema": "https://opencode.ai/config.json",
  "mcp": {
    "servers": {
      "git": { "type": "local", "command": ["uvx", "mcp-server-git"] }
    }
  }
}
"""

SAMPLES: dict[str, tuple[str, str]] = {
    "claude-code": ("claude-code", CLAUDE_CODE),
    "claude-desktop": ("claude-desktop", CLAUDE_DESKTOP),
    "codex": ("codex", CODEX),
    "cursor": ("cursor", CURSOR),
    "vscode": ("vscode", VSCODE),
    "gemini": ("gemini", GEMINI),
    "zed": ("zed", ZED),
    "opencode, first": ("opencode", OPENCODE_1),
    "opencode, second": ("opencode", OPENCODE_2),
    **{f"{name}, no servers": (name, "{}") for name in ("claude-code", "cursor", "vscode", "zed")},
    "cursor, one line": (
        "cursor",
        '{"mcpServers":{"git":{"command":"uvx","args":["mcp-server-git"]}},"x":[1,{"y":2}]}',
    ),
    "cursor, an empty table": ("cursor", '{\n  "mcpServers": {}\n}\n'),
    "cursor, only a comment": ("cursor", '{\n  "mcpServers": {\n    // none yet\n  }\n}\n'),
    "cursor, an empty file": ("cursor", ""),
    "cursor, braces below": (
        "cursor",
        '{\n  "mcpServers":\n  {\n    "git":\n    {\n      "command": "uvx"\n    }\n  }\n}',
    ),
    "zed, nothing but comments inside": ("zed", "// mine\n{\n  // nothing\n}\n"),
    "codex, no servers": ("codex", 'model = "gpt-5"'),
    "codex, an empty file": ("codex", ""),
    "codex, inline": ("codex", 'mcp_servers = { git = { command = "uvx", args = ["mcp-server-git"] } }\n'),
    "codex, dotted": ("codex", '[mcp_servers]\ngit.command = "uvx"\ngit.args = ["mcp-server-git"]\n\n[tui]\nx = 1\n'),
}
"""By name: which client's, and the text."""

FORMS: dict[str, Callable[[str], str]] = {
    "as it is": lambda text: text,
    "CRLF": lambda text: text.replace("\n", "\r\n"),
    "no final newline": lambda text: text.rstrip("\n"),
    "a byte order mark": lambda text: "\ufeff" + text,
    "blanks at the end": lambda text: text + "\n \n\n",
}

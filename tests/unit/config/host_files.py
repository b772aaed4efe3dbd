"""Realistic copies of the files in which other hosts keep their servers."""

CLAUDE_DESKTOP = """{
  "globalShortcut": "",
  "mcpServers": {
    "filesystem": {
      "command": "npx",
      "args": ["-y", "@modelcontextprotocol/server-filesystem", "/Users/ada/Desktop"]
    },
    "github": {
      "command": "npx",
      "args": ["-y", "@modelcontextprotocol/server-github"],
      "env": { "GITHUB_PERSONAL_ACCESS_TOKEN": "ghp_0123456789abcdefghijABCDEFGHIJ012345" }
    }
  }
}
"""

CLAUDE_CODE = """{
  "numStartups": 12,
  "tipsHistory": { "mcp": 3 },
  "mcpServers": {
    "sentry": {
      "type": "http",
      "url": "https://mcp.sentry.dev/mcp",
      "headers": { "X-Team": "core" },
      "oauth": { "clientId": "abc", "callbackPort": 8123 }
    },
    "old": { "type": "sse", "url": "https://example.com/sse" }
  },
  "projects": {
    "/home/ada/web": {
      "allowedTools": [],
      "mcpServers": {
        "db": { "type": "stdio", "command": "uvx", "args": ["mcp-db", "--dsn", "${DSN:-sqlite://}"], "env": {} }
      }
    },
    "/home/ada/empty": { "history": [] }
  }
}
"""

PROJECT_MCP_JSON = """{
  "mcpServers": {
    "local": { "command": "node", "args": ["./server.js"], "env": { "DEBUG": "${DEBUG:-false}" } },
    "time": { "command": "uvx", "args": ["mcp-server-time"] }
  }
}
"""

CURSOR = """{
  "mcpServers": {
    "my server": {
      "command": "python",
      "args": ["${workspaceFolder}/tools/server.py", "--home", "${userHome}"],
      "env": { "API_KEY": "${env:MY_API_KEY}" },
      "envFile": ".env"
    },
    "remote": {
      "url": "https://example.com/mcp",
      "auth": { "CLIENT_ID": "cid", "scopes": ["read", "write"] }
    }
  }
}
"""

VSCODE = """{
  // Inputs are asked once
  "inputs": [
    { "type": "promptString", "id": "perplexity-key", "description": "API Key", "password": true },
  ],
  "servers": {
    "perplexity": {
      "type": "stdio",
      "command": "npx",
      "args": ["-y", "server-perplexity-ask"],
      "env": { "PERPLEXITY_API_KEY": "${input:perplexity-key}", "RETRIES": 3, "UNSET": null },
    },
    "playwright": { "command": "npx", "args": ["-y", "@microsoft/mcp-server-playwright"], "dev": { "watch": "*" } },
    /* remote */
    "fetch": { "type": "http", "url": "https://example.com/mcp", },
  },
}
"""

VSCODE_SETTINGS = """{
  "editor.fontSize": 13,
  "mcp": { "inputs": [], "servers": { "time": { "command": "uvx", "args": ["mcp-server-time"] } } }
}
"""

GEMINI = """{
  "theme": "GitHub",
  "mcp": { "excluded": ["off"] },
  "mcpServers": {
    "python-tools": {
      "command": "python",
      "args": ["-m", "tools", "--key", "$TOOLS_KEY"],
      "env": { "DB": "${DB_URL:-none}", "KEY": "$TOOLS_KEY" },
      "timeout": 15000,
      "trust": true,
      "includeTools": ["safe", "read"],
      "excludeTools": ["drop"]
    },
    "remote": { "httpUrl": "https://example.com/mcp", "headers": { "Authorization": "Bearer $TOOLS_KEY" } },
    "off": { "command": "x" }
  }
}
"""

WINDSURF = """{
  "mcpServers": {
    "figma": { "serverUrl": "https://example.com/figma", "headers": { "X-Key": "${env:FIGMA}" } },
    "git": {
      "command": "uvx",
      "args": ["mcp-server-git"],
      "disabled": true,
      "disabledTools": ["git_reset"],
      "alwaysAllow": ["git_log", "git_diff"]
    }
  }
}
"""

ZED = """{
  "theme": "One Dark", // nice
  "context_servers": {
    "hexdocs": { "source": "custom", "command": "npx", "args": ["-y", "hexdocs-mcp"], "env": {} },
    "old-style": { "command": { "path": "/bin/srv", "args": ["run"], "env": { "A": "1" } }, "settings": {} },
    "ext": { "source": "extension", "enabled": true, "settings": { "token": "x" } },
    "pg": { "settings": { "database_url": "postgresql://h" } },
    "web": { "url": "https://example.com/mcp" },
  },
}
"""

OPENCODE = """{
  "$schema": "https://opencode.ai/config.json",
  "mcp": {
    "everything": {
      "type": "local",
      "command": ["npx", "-y", "@modelcontextprotocol/server-everything"],
      "environment": { "LEVEL": "{env:LOG_LEVEL}" },
      "enabled": true
    },
    "jira": { "type": "remote", "url": "https://jira.example.com/mcp", "headers": { "A": "Bearer {env:JIRA}" }, "oauth": false },
    "from-org": { "enabled": true }
  }
}
"""

CODEX = """model = "gpt-5"
approval_policy = "on-request"

[features]
x = true

[mcp_servers.docs]
url = "https://developers.example.com/mcp"
bearer_token_env_var = "DOCS_TOKEN"
startup_timeout_sec = 20

[mcp_servers.git]
command = "uvx"
args = ["mcp-server-git"]
env_vars = ["GIT_TOKEN"]
tools.git_commit.approval_mode = "prompt"
"""

CLINE = """{
  "mcpServers": {
    "tavily": {
      "autoApprove": ["*"],
      "disabled": false,
      "timeout": 60,
      "type": "streamableHttp",
      "url": "https://mcp.tavily.com/mcp/?tavilyApiKey=tvly-abcdefghijklmnop123456"
    }
  }
}
"""

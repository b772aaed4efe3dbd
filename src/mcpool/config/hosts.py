"""Where other hosts keep their lists of servers, on Linux and macOS."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Level = Literal["user", "project"]


@dataclass(frozen=True, slots=True)
class Host:
    """Whose file it is, and for whom: the user everywhere, or one project (whose folder is then `project`)."""

    name: str
    suffix: str
    """What is added to a server's name to tell it from another host's of the same name."""
    level: Level
    project: Path | None = None


@dataclass(frozen=True, slots=True)
class _Row:
    name: str
    suffix: str
    user: tuple[str, ...] = ()
    """Under the user's home; `@` stands for the folder in which the platform keeps the settings of applications."""
    project: tuple[str, ...] = ()


_STORAGE = "User/globalStorage"
_ROWS = (
    _Row("Claude Code", "claude-code", (".claude.json",), (".mcp.json",)),
    _Row("Claude Desktop", "claude", ("@/Claude/claude_desktop_config.json",)),
    _Row("Cursor", "cursor", (".cursor/mcp.json",), (".cursor/mcp.json",)),
    _Row(
        "VS Code",
        "vscode",
        tuple(
            f"@/{edition}/User/{file}"
            for edition in ("Code", "Code - Insiders", "VSCodium")
            for file in ("mcp.json", "settings.json")
        ),
        (".vscode/mcp.json", ".vscode/settings.json"),
    ),
    _Row(
        "Cline",
        "cline",
        (f"@/Code/{_STORAGE}/saoudrizwan.claude-dev/settings/cline_mcp_settings.json",),
    ),
    _Row(
        "Roo Code",
        "roo",
        (f"@/Code/{_STORAGE}/rooveterinaryinc.roo-cline/settings/mcp_settings.json",),
        (".roo/mcp.json",),
    ),
    _Row("Windsurf", "windsurf", (".codeium/windsurf/mcp_config.json",)),
    _Row("Zed", "zed", (".config/zed/settings.json",), (".zed/settings.json",)),
    _Row("Gemini CLI", "gemini", (".gemini/settings.json",), (".gemini/settings.json",)),
    _Row("Qwen Code", "qwen", (".qwen/settings.json",), (".qwen/settings.json",)),
    _Row(
        "opencode",
        "opencode",
        (".config/opencode/opencode.json", ".config/opencode/opencode.jsonc"),
        ("opencode.json", "opencode.jsonc"),
    ),
    _Row("Codex", "codex", (".codex/config.toml",), (".codex/config.toml",)),
    _Row("Kiro", "kiro", (".kiro/settings/mcp.json",), (".kiro/settings/mcp.json",)),
    _Row("LM Studio", "lmstudio", (".lmstudio/mcp.json",)),
)


def find_host_files(home: Path, cwd: Path, platform: str) -> list[Path]:
    """The files of known hosts that exist: the user's own, then those of the project in `cwd`.

    `home` is the user's home folder; `platform` is `sys.platform`.
    """
    found: dict[Path, Path] = {}
    for path, _ in (*_user_files(home, platform), *_project_files(cwd)):
        if _is_file(path):
            found.setdefault(_resolved(path), path)
    return list(found.values())


def host_of(path: Path, home: Path, platform: str) -> Host:
    """Whose file this is. A file of no known host is a user's own, under the file's name."""
    path = _resolved(path)
    for candidate, row in _user_files(home, platform):
        if _resolved(candidate) == path:
            return Host(row.name, row.suffix, "user")
    for row in _ROWS:
        for tail in row.project:
            parts = Path(tail).parts
            if path.parts[-len(parts) :] == parts:
                return Host(row.name, row.suffix, "project", path.parents[len(parts) - 1])
    return Host(path.name, "", "user")


def _user_files(home: Path, platform: str) -> Iterator[tuple[Path, _Row]]:
    applications = "Library/Application Support" if platform == "darwin" else ".config"
    for row in _ROWS:
        for place in row.user:
            yield home / place.replace("@", applications, 1), row


def _project_files(folder: Path) -> Iterator[tuple[Path, _Row]]:
    for row in _ROWS:
        for place in row.project:
            yield folder / place, row


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:
        return False


def _resolved(path: Path) -> Path:
    try:
        return path.resolve()
    except (OSError, RuntimeError):
        return path.absolute()

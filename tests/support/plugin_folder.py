"""Folders of plugins and skills, as tests want them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def skill(folder: Path, description: str = "What it is for.", body: str = "Do it well.") -> Path:
    """A skill in this folder, called like it."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "SKILL.md").write_text(f"---\nname: {folder.name}\ndescription: {description}\n---\n\n{body}\n")
    return folder


def plugin(
    folder: Path,
    *,
    manifest: Mapping[str, Any] | None = None,
    servers: Mapping[str, Any] | None = None,
    apps: Mapping[str, str] | None = None,
    skills: Mapping[str, str] | None = None,
    kind: str = ".codex-plugin",
) -> Path:
    """A plugin in this folder: connectors by name with their ids, skills by name with their texts."""
    (folder / kind).mkdir(parents=True, exist_ok=True)
    (folder / kind / "plugin.json").write_text(json.dumps({"name": folder.name, **(manifest or {})}))
    if servers is not None:
        (folder / ".mcp.json").write_text(json.dumps({"mcpServers": servers}))
    if apps is not None:
        (folder / ".app.json").write_text(json.dumps({"apps": {name: {"id": id} for name, id in apps.items()}}))
    for name, body in (skills or {}).items():
        skill(folder / "skills" / name, body=body)
    return folder

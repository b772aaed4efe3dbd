"""Files of an environment that exist in memory only, and environments that come and go as a test says."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any

from mcpool.environments.files import Entry, Files, Kind


class MemoryFiles:
    """`Files`, without links. It counts how often something was read."""

    def __init__(self, files: Mapping[str, str]) -> None:
        self.files = dict(files)
        self.reads = 0
        self.lost = False

    def _look(self, path: str) -> Kind:
        if self.lost:
            raise ConnectionError("the environment is gone")
        if path in self.files:
            return "file"
        if any(PurePosixPath(file).is_relative_to(path) for file in self.files):
            return "folder"
        raise FileNotFoundError(path)

    async def read(self, path: str, limit: int) -> bytes:
        self.reads += 1
        if self._look(path) == "folder":
            raise IsADirectoryError(path)
        return self.files[path].encode()[:limit]

    async def list(self, path: str) -> tuple[Entry, ...]:
        if self._look(path) == "file":
            raise NotADirectoryError(path)
        names = {
            PurePosixPath(file).relative_to(path).parts[0]
            for file in self.files
            if PurePosixPath(file).is_relative_to(path)
        }
        return tuple(Entry(name, self._look(f"{path}/{name}")) for name in sorted(names))

    async def kind(self, path: str) -> Kind:
        return self._look(path)

    async def real_path(self, path: str) -> str:
        self._look(path)
        return path


class Elsewhere:
    """Environments by name (`plugins.shelf.Places`)."""

    def __init__(self) -> None:
        self._there: dict[str, tuple[int, MemoryFiles]] = {}
        self._last = 0

    def attach(self, name: str, files: MemoryFiles) -> None:
        """It is there, over a new connection."""
        self._last += 1
        self._there[name] = (self._last, files)

    def detach(self, name: str) -> None:
        """It is gone."""
        del self._there[name]

    def handles(self) -> Mapping[str, int]:
        return {name: number for name, (number, _) in self._there.items()}

    def files(self, environment: str) -> Files:
        if environment not in self._there:
            raise ConnectionError(f"{environment} is not there")
        return self._there[environment][1]


def plugin_files(
    root: str,
    *,
    servers: Mapping[str, Any] | None = None,
    apps: Mapping[str, str] | None = None,
    skills: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """The files of a plugin that is called like its folder."""
    name = PurePosixPath(root).name
    files = {f"{root}/.codex-plugin/plugin.json": json.dumps({"name": name, "description": f"The {name} things"})}
    if servers is not None:
        files[f"{root}/.mcp.json"] = json.dumps({"mcpServers": servers})
    if apps is not None:
        files[f"{root}/.app.json"] = json.dumps({"apps": {app: {"id": id} for app, id in apps.items()}})
    return files | skill_files(f"{root}/skills", skills or {})


def skill_files(folder: str, skills: Mapping[str, str]) -> dict[str, str]:
    """Skills in a folder, by name with their texts."""
    return {
        f"{folder}/{name}/SKILL.md": f"---\nname: {name}\ndescription: When to {name}.\n---\n\n{body}\n"
        for name, body in skills.items()
    }

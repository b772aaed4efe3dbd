"""The configuration file as the place where approvals for ever are kept."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from pathlib import Path

from mcpool.config import Config, load
from mcpool.config.approving import with_approval
from mcpool.config.server import ServerConfig
from mcpool.config.writing import can_edit, edit_config
from mcpool.errors import ConfigError


class ApprovalFile:
    """Keeps approvals in the file that a configuration came from, if it is one of ours (threads.approvals.Keeper)."""

    def __init__(self, home: Path, environ: Mapping[str, str], current: Callable[[], Config]) -> None:
        """`current` is the configuration in force."""
        self._home = home
        self._environ = environ
        self._current = current

    def can_keep(self, server: ServerConfig) -> bool:
        """Whether the server stands in a file that can be written to, and the package that does it is installed."""
        config, path = self._current(), self._current().path
        return (
            path is not None
            and server.name in config.writable
            and server.file == str(path)  # another of this name may count more, for this thread
            and find_spec("tomlkit") is not None
            and can_edit(path)
        )

    async def keep(self, server: ServerConfig, tool: str, digest: str) -> None:
        """Write that this tool of the server is approved as it is defined now.

        Raises:
            ConfigError: it could not be written, or the file describes the server differently by now.
        """
        path = self._current().path
        if path is None:
            raise ConfigError([f"`{server.name}`: its configuration is in no file"])
        await asyncio.to_thread(self._write, path, server, tool, digest)

    def _write(self, path: Path, server: ServerConfig, tool: str, digest: str) -> None:
        def edit(text: str) -> str:
            # Read as a whole once more: what was approved is a tool of the server that runs, not of one that only
            # has its name.
            now = {known.name: known for known in load(path, home=self._home, environ=self._environ).servers}
            found = now.get(server.name)
            if found is None or (found.transport, found.environment_id) != (server.transport, server.environment_id):
                what = "its definition in the file is another one by now; `mcpool apply` takes it over"
                raise ConfigError([f"{path}: `{server.name}`: {what}"])
            return with_approval(text, server.name, tool, digest)

        edit_config(path, edit)

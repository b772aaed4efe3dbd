"""The configuration file as the place where approvals for ever are kept."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from mcpool.config import Config
from mcpool.config.approving import with_approval
from mcpool.config.server import ServerConfig
from mcpool.config.writing import can_edit, edit_config
from mcpool.errors import ConfigError


class ApprovalFile:
    """Keeps approvals in the file that a configuration came from, if it is one of ours (threads.approvals.Keeper)."""

    def __init__(self, current: Callable[[], Config]) -> None:
        """`current` is the configuration in force."""
        self._current = current

    def can_keep(self, server: ServerConfig) -> bool:
        """Whether the server stands in a file that can be written to."""
        path = self._place(server)
        return path is not None and can_edit(path)

    async def keep(self, server: ServerConfig, tool: str, digest: str) -> None:
        """Write that this tool of the server is approved as it is defined now.

        Raises:
            ConfigError: it could not be written, or the file describes the server differently by now.
        """
        path = self._place(server)
        if path is None:
            raise ConfigError([f"`{server.name}`: its definition was replaced by another one meanwhile"])
        connection = self._current().writable[server.name]

        def edit(text: str) -> str:
            return with_approval(text, server.name, tool, digest, connection=connection)

        await asyncio.to_thread(edit_config, path, edit)

    def _place(self, server: ServerConfig) -> Path | None:
        """The file that describes this very server, if it is one of ours: another of its name may count more."""
        config = self._current()
        described = any(known.name == server.name and known.transport == server.transport for known in config.servers)
        ours = described and server.name in config.writable and server.file == str(config.path)
        return config.path if ours else None

"""What a change of the configuration did to its servers. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields

from mcpool.config.server import ServerConfig

_CONNECTION = ("transport", "environment_id", "client_capabilities", "scope", "max_message_bytes", "connectors")
"""What a process or connection depends on. All else only changes how it is seen, or how long it stays."""


@dataclass(frozen=True, slots=True)
class Edit:
    """Names of servers, each in exactly one of these, in the order of the configuration."""

    kept: tuple[str, ...] = ()
    """Nothing of them changed."""
    view_changed: tuple[str, ...] = ()
    """They are seen otherwise: filters, approvals, times. They kept their process."""
    replaced: tuple[str, ...] = ()
    """They have another definition, hence another process."""
    started: tuple[str, ...] = ()
    """They are new, or enabled again. They start when they are wanted."""
    stopped: tuple[str, ...] = ()
    """They are gone, or disabled."""

    @property
    def nothing(self) -> bool:
        """Whether all is as it was."""
        return not (self.view_changed or self.replaced or self.started or self.stopped)

    def __str__(self) -> str:
        said = [
            f"{field.name.replace('_', ' ')}: {', '.join(names)}"
            for field in fields(self)
            if (names := getattr(self, field.name))
        ]
        return "; ".join(said) or "there are no servers"


def edit(before: Iterable[ServerConfig], after: Iterable[ServerConfig]) -> Edit:
    """What became of the enabled servers."""
    old = {server.name: server for server in before if server.enabled}
    new = {server.name: server for server in after if server.enabled}
    both = [name for name in new if name in old]
    same = [name for name in both if new[name] == old[name]]
    connected = [name for name in both if name not in same and _connection(new[name]) == _connection(old[name])]
    return Edit(
        kept=tuple(same),
        view_changed=tuple(connected),
        replaced=tuple(name for name in both if name not in same and name not in connected),
        started=tuple(name for name in new if name not in old),
        stopped=tuple(name for name in old if name not in new),
    )


def _connection(server: ServerConfig) -> tuple[object, ...]:
    return tuple(getattr(server, name) for name in _CONNECTION)

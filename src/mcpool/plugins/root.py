"""A folder that was chosen for a thread, because of the skills, servers and connectors in it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath

from mcpool.config.server import LOCAL
from mcpool.plugins.beneath import is_path

LONGEST_ID = 200
MOST_ROOTS = 32
"""Of one thread."""


@dataclass(frozen=True, slots=True)
class CapabilityRoot:
    """A plugin's folder, a folder of skills, or the folder of one skill, in some environment.

    Raises:
        ValueError: `id` or `environment` is no name, or `path` is not absolute.
    """

    id: str
    """What its servers, skills and connectors are attributed to. The plugin may call itself otherwise."""
    path: str
    environment: str = LOCAL
    """Where the folder is: the id of an environment, which need not be there yet. `local`: on this machine."""

    def __post_init__(self) -> None:
        for what, text in (("id", self.id), ("environment", self.environment)):
            if not text or len(text) > LONGEST_ID or not text.isprintable():
                msg = f"a capability root needs an {what} of 1 to {LONGEST_ID} printable characters, not {text[:50]!r}"
                raise ValueError(msg)
        if not PurePosixPath(self.path).is_absolute() or not is_path(self.path):
            msg = f"the path of the capability root `{self.id}` must be absolute, not {self.path!r}"
            raise ValueError(msg)

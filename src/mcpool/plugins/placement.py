"""What a plugin's servers are read against: where the plugin is, and what it may refer to. Plain values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

ROOT_VARIABLES: tuple[str, ...] = ("CLAUDE_PLUGIN_ROOT", "CODEX_PLUGIN_ROOT", "PLUGIN_ROOT")
DATA_VARIABLES: tuple[str, ...] = ("CLAUDE_PLUGIN_DATA", "CODEX_PLUGIN_DATA", "PLUGIN_DATA")


@dataclass(frozen=True, slots=True)
class Placement:
    """Where the plugin is."""

    root: str
    """Its folder."""
    environment: str | None = None
    """Where its servers run, whatever they say. None: where they say, which is this machine if they say nothing."""
    environ: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    """The variables of this machine that it may refer to: none if it is elsewhere."""
    data: str | None = None
    """A folder for what its servers keep."""

    @property
    def variables(self) -> dict[str, str]:
        """What the plugin's servers are told of where it is; `${NAME}` stands for them, too."""
        told: dict[str, str] = dict.fromkeys(ROOT_VARIABLES, self.root)
        return told if self.data is None else told | dict.fromkeys(DATA_VARIABLES, self.data)

"""Other hosts' ways to write a reference -> ours."""

from __future__ import annotations

import re
from dataclasses import dataclass

from mcpool.config.table import as_list, as_table

WORKSPACE = "${workspaceFolder}"
"""An editor's name for the folder that it has open."""

_ENV = re.compile(r"\$\{env:([A-Za-z_][A-Za-z0-9_]*)\}")
_BRACES = re.compile(r"(?<!\$)\{(env|file):([^{}]+)\}")
_DOLLAR = re.compile(r"\$([A-Za-z_][A-Za-z0-9_]*)")


@dataclass(frozen=True, slots=True)
class Placeholders:
    """`workspace` is the folder that an editor's file belongs to; for a user's own file it is None.

    `bare_dollar`: `$VAR` is a reference there. `braces`: `{env:VAR}` is.
    """

    workspace: str | None = None
    bare_dollar: bool = False
    braces: bool = False

    def ours(self, value: object) -> object:
        """The value with the references in its texts rewritten, at any depth."""
        if isinstance(value, str):
            return self._text(value)
        items = as_list(value)
        if items is not None:
            return [self.ours(item) for item in items]
        table = as_table(value)
        if table is not None:
            return {key: self.ours(item) for key, item in table.items()}
        return value

    def _text(self, text: str) -> str:
        text = _ENV.sub(r"${\1}", text).replace("${userHome}", "${HOME}").replace("${pathSeparator}", "/")
        if self.workspace is not None:
            text = text.replace(WORKSPACE, self.workspace.replace("${", "$${"))
        if self.bare_dollar:
            text = _DOLLAR.sub(r"${\1}", text)
        if self.braces:
            text = _BRACES.sub(lambda m: f"${{{m[2]}}}" if m[1] == "env" else f"${{file:{m[2]}}}", text)
        return text

"""`${VAR}`, `${VAR:-default}` and `${keyring:NAME}` in values.

One pass: what a variable holds is not expanded again.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from mcpool.config.problem import Spot
from mcpool.config.table import as_list, as_table
from mcpool.errors import McpoolError

Secret = Callable[[str], str | None]
"""Looks a name up in the keyring: its value, or None if there is none."""

_REFERENCE = re.compile(r"\$\$\{|\$\{([^{}]*)\}")
_VARIABLE = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)(?::-(.*))?", re.DOTALL)
_KEYRING = re.compile(r"(keyring|input):(.+)", re.DOTALL)


class SecretsError(McpoolError):
    """The keyring can't be used at all: `reason` says why, `remedy` what to do."""

    def __init__(self, reason: str, remedy: str) -> None:
        super().__init__(f"{reason}; {remedy}")
        self.reason = reason
        self.remedy = remedy


@dataclass(frozen=True, slots=True)
class Expander:
    """Replaces references by what they stand for; one that stands for nothing is a problem of the key it is in."""

    environ: Mapping[str, str] = field(repr=False)
    secret: Secret
    look_up: bool = True
    """False: only check that each reference is one, and leave it as it is."""

    def value(self, value: object, spot: Spot) -> object:
        """The value with the references in its texts replaced, at any depth. Other types pass unchanged."""
        if isinstance(value, str):
            return self.text(value, spot)
        items = as_list(value)
        if items is not None:
            return [self.value(item, spot.at(index)) for index, item in enumerate(items)]
        table = as_table(value)
        if table is not None:
            return {key: self.value(item, spot.at(key)) for key, item in table.items()}
        return value

    def text(self, text: str, spot: Spot) -> str:
        """The text with its references replaced; `$${` is a literal `${`."""
        if "${" not in text:
            return text
        return _REFERENCE.sub(lambda match: self._one(match, spot), text)

    def _one(self, match: re.Match[str], spot: Spot) -> str:
        inside = match[1]
        if inside is None:
            return "${" if self.look_up else match[0]
        keyring = _KEYRING.fullmatch(inside)
        if keyring:
            return self._from_keyring(keyring[1], keyring[2], spot) if self.look_up else match[0]
        variable = _VARIABLE.fullmatch(inside)
        if not variable:
            spot.error(
                f"`${{{inside}}}` is not a reference that mcpool knows",
                "write `${VAR}`, `${VAR:-default}` or `${keyring:NAME}`; a literal `${` is written `$${`",
            )
            return ""
        if not self.look_up:
            return match[0]
        name, default = variable[1], variable[2]
        value = self.environ.get(name)
        if default is not None:
            return value or default
        if value is None:
            spot.error(
                f"the variable `{name}` is not set",
                f"set it where mcpool runs (or in its `.env` file), or write `${{{name}:-default}}`",
            )
            return ""
        return value

    def _from_keyring(self, source: str, name: str, spot: Spot) -> str:
        try:
            value = self.secret(name)
        except SecretsError as error:
            spot.error(f"`${{{source}:{name}}}`: {error.reason}", error.remedy)
            return ""
        if value is not None:
            return value
        store = f"store it: `keyring set mcpool {name}`"
        if source == "input":
            spot.error(f"an editor would ask for the input `{name}`, and the keyring has no entry of that name", store)
        else:
            spot.error(f"the keyring has no entry `{name}`", store)
        return ""

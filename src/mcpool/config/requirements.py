"""What an administrator allows: `[requirements]` of the managed configuration."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from mcpool.config.document import Document
from mcpool.config.parse import APPROVAL_MODE, text
from mcpool.config.problem import Report, Spot
from mcpool.config.server import ApprovalMode, Http, ServerConfig
from mcpool.config.table import as_list, as_table, kind

Subject = Literal["name", "command", "url"]
Kind = Literal["exact", "prefix", "regex"]
_SUBJECTS: tuple[Subject, ...] = ("name", "command", "url")


@dataclass(frozen=True, slots=True)
class Matcher:
    """One condition. `command` is the whole command line, its words joined by single blanks."""

    subject: Subject
    kind: Kind
    value: str

    def holds(self, server: ServerConfig) -> bool:
        """Whether a server meets it."""
        said = _said(self.subject, server)
        if said is None:
            return False
        match self.kind:
            case "exact":
                return said == self.value
            case "prefix":
                return said.startswith(self.value)
            case "regex":
                return re.fullmatch(self.value, said) is not None


@dataclass(frozen=True, slots=True)
class Requirements:
    """A server may be used if it meets all conditions of one of the rules."""

    rules: tuple[tuple[Matcher, ...], ...] | None
    """None: nothing is said of that, and every server may be used."""
    file: str
    approval_mode: ApprovalMode | None = None
    """A mode that holds for every tool, besides what anybody else says of it."""

    def refusal(self, server: ServerConfig) -> str | None:
        """Why a server may not be used; None: it may."""
        if self.rules is None or any(all(matcher.holds(server) for matcher in rule) for rule in self.rules):
            return None
        return f"the administrator of this machine does not allow it ([requirements] in {self.file})"


def _said(subject: Subject, server: ServerConfig) -> str | None:
    transport = server.transport
    match subject:
        case "name":
            return server.name
        case "command":
            return None if isinstance(transport, Http) else " ".join((transport.command, *transport.args))
        case "url":
            return transport.url if isinstance(transport, Http) else None


def read_requirements(document: Document, report: Report) -> Requirements | None:
    """The table of a document; None if it has none. With an error in it, nothing is allowed."""
    value = document.data.get("requirements")
    if value is None:
        return None
    spot = Spot(report, ("requirements",))
    table = as_table(value)
    if table is None:
        spot.error(f"must be a table, not {kind(value)}", 'write [requirements] with allow = [{ name = "NAME" }]')
        return Requirements((), document.file)
    unknown = [name for name in table if name not in ("allow", "approval_mode")]
    for name in unknown:
        spot.at(name).warning(
            "is not a key of the requirements and has no effect", "only `allow` and `approval_mode` are"
        )
    mode: ApprovalMode | None = None
    if "approval_mode" in table:
        errors = report.error_count
        mode = APPROVAL_MODE(table["approval_mode"], spot.at("approval_mode"))
        if report.error_count > errors:
            return Requirements((), document.file)
        if "allow" not in table and not unknown:  # which may be a misspelt `allow`
            return Requirements(None, document.file, mode)
    rules = as_list(table.get("allow", []))
    if rules is None:
        spot.at("allow").error("must be a list of tables", 'write allow = [{ name = "NAME" }]')
        return Requirements((), document.file)
    read = [_rule(rule, spot.at("allow").at(number)) for number, rule in enumerate(rules)]
    return Requirements(tuple(rule for rule in read if rule), document.file, mode)


def _rule(value: object, spot: Spot) -> tuple[Matcher, ...]:
    table = as_table(value)
    if not table:
        spot.error(
            "must be a table with a condition", 'write { name = "NAME" }, { command = "..." } or { url = "..." }'
        )
        return ()
    matchers: list[Matcher] = []
    for subject, condition in table.items():
        if subject not in _SUBJECTS:
            spot.at(subject).error("is no condition", "use name, command or url")
            return ()
        matcher = _matcher(subject, condition, spot.at(subject))
        if matcher is None:
            return ()
        matchers.append(matcher)
    return tuple(matchers)


def _matcher(subject: Subject, condition: object, spot: Spot) -> Matcher | None:
    if isinstance(condition, str):
        return Matcher(subject, "exact", condition)
    table: Mapping[str, object] | None = as_table(condition)
    if table is None or len(table) != 1 or next(iter(table)) not in ("prefix", "regex"):
        spot.error('must be text, { prefix = "..." } or { regex = "..." }', "write one of them")
        return None
    ((how, pattern),) = table.items()
    errors = spot.report.error_count
    value = text(pattern, spot.at(how))
    if spot.report.error_count > errors:
        return None
    if how == "regex":
        try:
            re.compile(value)
        except re.error as error:
            spot.at(how).error(f"is no regular expression: {error}", "correct it")
            return None
    return Matcher(subject, "regex" if how == "regex" else "prefix", value)

"""The variables of a process, by what its client asks for. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase

from mcpool.environments.protocol import Start
from mcpool.launch.environment import INHERITED

DEFAULT_EXCLUDES = ("*KEY*", "*SECRET*", "*TOKEN*")


def variables_for(start: Start, own: Mapping[str, str]) -> dict[str, str]:
    """The complete environment; `own` are the executor's variables."""
    policy = start.env_policy
    if policy is None:
        return dict(start.env)
    found: dict[str, str] = {}
    if policy.inherit != "none":
        found = {name: value for name, value in own.items() if policy.inherit == "all" or name in INHERITED}
    excluded = policy.exclude if policy.ignore_default_excludes else (*DEFAULT_EXCLUDES, *policy.exclude)
    found = {name: value for name, value in found.items() if not _matches(name, excluded)} | policy.set
    if policy.include_only:
        found = {name: value for name, value in found.items() if _matches(name, policy.include_only)}
    return found | start.env


def _matches(name: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(name.upper(), pattern.upper()) for pattern in patterns)

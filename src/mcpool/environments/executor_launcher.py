"""Starting servers where an executor runs."""

from __future__ import annotations

import posixpath
import secrets
from collections.abc import Callable

import msgspec

from mcpool.environments.executor_link import ExecutorLink
from mcpool.environments.file_uri import to_uri
from mcpool.environments.protocol import EnvPolicy, Fault, Start
from mcpool.environments.session import Refused, Session
from mcpool.errors import EnvironmentUnavailable, ServerUnavailable
from mcpool.launch.environment import INHERITED
from mcpool.launch.spec import LaunchSpec
from mcpool.wire.link import Link, Sink

Log = Callable[[str, list[bytes]], None]
"""Gets the lines that a server, by its name, writes to stderr."""


class _FaultData(msgspec.Struct):
    kind: str = ""


class ExecutorLauncher:
    """A `Launcher` over one session. What the session is lost with, is lost with the session."""

    def __init__(self, session: Session, log: Log) -> None:
        self._session = session
        self._log = log

    async def start(self, spec: LaunchSpec, sink: Sink) -> Link:
        """Start the process there and return its link; `sink` hears of it from then on.

        Of the executor's own variables it gets those that any server gets, and those of `spec.remote_env`.

        Raises:
            ServerUnavailable: the command was not found there, or the folder; or the executor is gone.
        """
        id = f"{spec.server}-{secrets.token_hex(8)}"
        try:
            start = Start(id, spec.argv, to_uri(spec.cwd), dict(spec.env), pipe_stdin=True, env_policy=_policy(spec))
            link = ExecutorLink(self._session, id, spec.server, sink, self._log)
            await link.start(start)
        except Refused as refused:
            raise ServerUnavailable(spec.server, self._why(spec, refused.fault)) from None
        except EnvironmentUnavailable as error:
            raise ServerUnavailable(spec.server, str(error)) from None
        except OSError as error:
            raise ServerUnavailable(spec.server, f"its `cwd` {spec.cwd} is {error.strerror}; correct it") from None
        return link

    def _why(self, spec: LaunchSpec, fault: Fault) -> str:
        where = f"in the environment `{self._session.environment}`"
        command = spec.argv[0] if spec.argv else ""
        try:
            kind = msgspec.json.decode(fault.data, type=_FaultData | None)
        except msgspec.DecodeError:
            kind = None
        if kind is not None and kind.kind == "spawnNotFound":
            return (
                f"the command `{command}` or the folder {spec.cwd} was not found {where}; install it there, or give"
                " the full path as `command`"
            )
        return f"{where} it could not be started: {fault.message or f'error {fault.code}'}"


def _policy(spec: LaunchSpec) -> EnvPolicy:
    return EnvPolicy("all", ignore_default_excludes=True, include_only=(*INHERITED, *spec.remote_env))


def beneath(root: str | None, cwd: str) -> str:
    """The folder in an executor that a configured `cwd` means: a relative one stands beneath its root.

    Raises:
        ValueError: it leads out of the root, or the executor did not tell where that is. The text follows "its `cwd`".
    """
    if posixpath.isabs(cwd):
        return cwd
    if root is None:
        raise ValueError(f"`{cwd}` is relative, and the executor does not say what to; write the whole path")
    found = posixpath.normpath(posixpath.join(root, cwd))
    if posixpath.commonpath((root, found)) != posixpath.normpath(root):
        raise ValueError(f"`{cwd}` leads out of {root}, the folder of the executor; write the whole path")
    return found

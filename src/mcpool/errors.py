"""What a user of mcpool can catch. Each error names the thing, what was tried, what happened and what to do."""

from __future__ import annotations

from collections.abc import Sequence


class McpoolError(Exception):
    """Base of every error that mcpool raises on purpose."""


class ConfigError(McpoolError, ValueError):
    """The configuration cannot be used. `problems` holds one printable line for each thing wrong."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


class ServerError(McpoolError):
    """Something about one server: `server` is its configured name, `message` says what."""

    def __init__(self, server: str, message: str) -> None:
        super().__init__(f"`{server}`: {message}")
        self.server = server
        self.message = message

    def rename(self, server: str) -> None:
        """Call the server by the name that the caller has for it, where several names stand for one process."""
        if server != self.server:
            self.args = (str(self.args[0]).replace(f"`{self.server}`", f"`{server}`", 1),)
            self.server = server


class ServerNotFound(ServerError, LookupError):
    """No enabled server of that name is configured for this thread."""


class ServerUnavailable(ServerError, ConnectionError):
    """The server could not be started or reached, so the request was never sent to it."""

    def anew(self) -> ServerUnavailable:
        """The same error for another one to raise."""
        return type(self)(self.server, self.message)


class AuthRequired(ServerUnavailable):
    """The server wants credentials that only a person can get; nothing was run. The message says how to get them.

    `scopes` are what has to be allowed besides, for this alone, if somebody is signed in already.
    """

    def __init__(self, server: str, message: str, *, scopes: tuple[str, ...] = ()) -> None:
        super().__init__(server, message)
        self.scopes = scopes
        self.args = (f"`{server}` {message}",)  # one sentence: for a model, and for the person that it tells

    def anew(self) -> AuthRequired:
        return type(self)(self.server, self.message, scopes=self.scopes)


class CallOutcomeUnknown(ServerError, ConnectionError):
    """The request was sent, and then its connection was lost or a failure of the server answered: it may have run.

    It was not run again, unless that does no harm. `method` and, of a call, `tool` say what was sent; `restarted`
    whether the server runs again, or is about to: then what its process kept in memory is gone.
    """

    def __init__(
        self,
        server: str,
        what: str,
        *,
        method: str = "request",
        tool: str | None = None,
        restarted: bool = False,
        connected: bool = False,
        resent: bool = False,
    ) -> None:
        """`connected`: the server goes on as before. `resent`: the request was sent twice, which does no harm."""
        it = "it" if tool is None else f"`{tool}`"
        sent = "was sent once more, also in vain" if resent else "was not sent again"
        after = (
            ""
            if connected
            else "the server is started again, and what it kept in memory is lost; "
            if restarted
            else "the server is not running; "
        )
        super().__init__(
            server,
            f"{what} after {method} was sent: {it} may or may not have run, and {sent}; {after}"
            "look whether it took effect before you repeat it",
        )
        self.method = method
        self.tool = tool
        self.restarted = restarted


class CallTimeout(ServerError, TimeoutError):
    """No answer within the deadline. The server was told to stop; it may have run."""


class MessageTooLarge(ServerError, ValueError):
    """A message is larger than the configured limit."""


class ToolNotFound(ServerError, LookupError):
    """This step was shown no tool of that name."""


class ToolChanged(ServerError):
    """The tool is no longer what the step was shown; nothing was sent."""


class ApprovalDenied(ServerError, PermissionError):
    """The call needs an approval that was refused, or that nobody is there to give; nothing was sent."""


class RpcError(ServerError):
    """The server answered with a JSON-RPC error: `code`, `reason` (its message) and `data` (raw JSON or None)."""

    def __init__(self, server: str, code: int, reason: str, data: bytes | None = None) -> None:
        super().__init__(server, f"error {code}: {reason}")
        self.code = code
        self.reason = reason
        self.data = data


class BadAnswer(RpcError):
    """The server answered with something that is no valid answer; `code` and `reason` put it in JSON-RPC's terms."""


class Closed(McpoolError, RuntimeError):
    """The host, thread or step was used after it was closed."""


class ThreadNotFound(McpoolError, LookupError):
    """The host has no thread of this id: it was closed, or never opened."""

    def __init__(self, id: str) -> None:
        super().__init__(f"there is no thread {id!r}; `host.threads` has those that there are")
        self.id = id


class WrongProcess(McpoolError, RuntimeError):
    """A host was used after a fork: its processes and sockets belong to the parent. Open another in the child."""


class DaemonError(McpoolError):
    """The daemon could not be started, reached or understood."""


class EnvironmentUnavailable(McpoolError, ConnectionError):
    """The environment of this id can't be reached, or there is none: nothing was asked of it, or no answer came."""

    def __init__(self, environment: str, message: str) -> None:
        super().__init__(f"environment `{environment}`: {message}")
        self.environment = environment
        self.message = message

"""What the shim remembers of a conversation, so that it can go on over another connection.

Pure; standard library only.
"""

from __future__ import annotations

import json
from typing import Any, NamedTuple, cast

OUTCOME_UNKNOWN = -32011
"""The gateway's error code for a request that may or may not have run."""
UNAVAILABLE = -32010
"""The gateway's error code for a request that was not sent, since what it is for can't be reached."""

REPLAY_ID = "mcpool-shim-replay"

# Asking these again does no harm, so a lost one is simply asked again (once).
_REPEATABLE = frozenset(
    {
        "initialize",
        "ping",
        "server/discover",
        "tools/list",
        "prompts/list",
        "prompts/get",
        "resources/list",
        "resources/templates/list",
        "resources/read",
        "completion/complete",
        "logging/setLevel",
        "resources/subscribe",
    }
)
# These stay open for as long as the client likes: nobody waits for their end, and they are opened again elsewhere.
_ENDLESS = frozenset({"subscriptions/listen"})

_INVALID_REQUEST = -32600

LONGEST_ID = 1024
"""Bytes that an id may have. The daemon refuses longer ones."""

_PREFIX = b'{"jsonrpc":"2.0","id":'
HEAD = 6 * LONGEST_ID + 256
"""Bytes at the beginning of a daemon's line that suffice to tell what it is, were its id all escapes."""

_decoder = json.JSONDecoder()


class Head(NamedTuple):
    """What a line of the daemon is: the key of its id (None: a notification) and whether it answers that id."""

    key: str | None
    answer: bool


class _Request(NamedTuple):
    id: object
    method: str
    line: bytes | None
    """What to send again if the connection is lost; None where that is not safe."""


def key_of(identifier: object) -> str:
    """A request id as a key that tells `7` from `"7"`."""
    return json.dumps(identifier)


def read_head(head: bytes) -> Head:
    """Tell what a daemon's line is from its first `HEAD` bytes. It writes the id first, so no body is parsed."""
    if not head.startswith(_PREFIX):
        return Head(None, False) if b'"method"' in head[:64] else _read_whole(head)
    try:
        identifier, end = _decoder.raw_decode(head[len(_PREFIX) :].decode("utf-8", "replace"))
    except ValueError:
        return Head(None, False)
    following = head[len(_PREFIX) :].decode("utf-8", "replace")[end : end + 10]
    return Head(key_of(identifier), not following.startswith(',"method"'))


def _read_whole(line: bytes) -> Head:
    try:
        message = json.loads(line)
        return Head(key_of(message["id"]), "method" not in message)
    except (ValueError, KeyError, TypeError, RecursionError):
        return Head(None, False)


def error_line(identifier: object, code: int, text: str) -> bytes:
    """A JSON-RPC error as a line."""
    return _line({"jsonrpc": "2.0", "id": identifier, "error": {"code": code, "message": text}})


class Note(NamedTuple):
    """What a line of the client is. `key` is set for a request, `refusal` is the answer to one that can't be one."""

    forward: bool
    key: str | None = None
    refusal: bytes | None = None


class Replay(NamedTuple):
    """What a new connection is told first, each as a line. The answers are not for the client."""

    initialize: bytes
    initialized: bytes | None
    settings: tuple[bytes, ...]


class Memory:
    """The handshake and settings of the client, and which requests are in flight in either direction."""

    def __init__(self) -> None:
        self._initialize: dict[str, Any] | None = None
        self._initialized: bytes | None = None
        self._shook_hands = False
        self._settings: dict[tuple[str, object], dict[str, Any]] = {}
        self._requests: dict[str, _Request] = {}
        self._repeated: set[str] = set()
        self._questions: dict[str, object] = {}
        self._withdrawn: set[str] = set()

    @property
    def waiting(self) -> bool:
        """Does the client wait for an answer?"""
        return any(request.method not in _ENDLESS for request in self._requests.values())

    def from_client(self, line: bytes) -> Note:
        """Note a line of the client. It is not to be forwarded if it answers a question of a daemon that is gone.

        Nor is a request under an id that is in flight: its answer could not be told from the other's.
        """
        try:
            message = json.loads(line, parse_constant=_refuse_constant)
        except (ValueError, RecursionError):
            return Note(forward=True)  # The daemon says what is wrong with it.
        if not isinstance(message, dict):
            return Note(forward=True)
        fields = cast("dict[str, Any]", message)
        method, identifier = fields.get("method"), fields.get("id")
        key = key_of(identifier)
        if not isinstance(method, str):
            self._questions.pop(key, None)
            forward = key not in self._withdrawn
            self._withdrawn.discard(key)
            return Note(forward)
        if identifier is None:
            self._note_notification(method, fields, line)
            return Note(forward=True)
        if not _is_id(identifier):
            return Note(forward=True)  # The daemon refuses it, under an id that may not be this one.
        if key in self._requests:
            what = f"a request with the id {key} is in flight already"
            return Note(forward=False, refusal=error_line(identifier, _INVALID_REQUEST, what))
        self._note_setting(method, fields)
        kept = method in _REPEATABLE or method in _ENDLESS
        self._requests[key] = _Request(identifier, method, line if kept else None)
        return Note(forward=True, key=key)

    def _note_setting(self, method: str, fields: dict[str, Any]) -> None:
        params = fields.get("params")
        uri = cast("dict[str, Any]", params).get("uri") if isinstance(params, dict) else None
        if method == "initialize":
            self._initialize, self._initialized, self._shook_hands = fields, None, False
            self._settings.clear()
        elif method == "logging/setLevel":
            self._settings[method, None] = fields
        elif method == "resources/subscribe":
            self._settings[method, str(uri)] = fields
        elif method == "resources/unsubscribe":
            self._settings.pop(("resources/subscribe", str(uri)), None)

    def _note_notification(self, method: str, fields: dict[str, Any], line: bytes) -> None:
        if method == "notifications/initialized":
            self._initialized = line
        elif method == "notifications/cancelled":
            params = fields.get("params")
            if isinstance(params, dict):
                self._forget(key_of(cast("dict[str, Any]", params).get("requestId")))

    def from_daemon(self, head: bytes) -> None:
        """Note a line of the daemon, of which the first `HEAD` bytes are given, now that all of it has passed."""
        key, answer = read_head(head)
        if key is None:
            return
        if not answer:
            self._questions[key] = json.loads(key)
            self._withdrawn.discard(key)
            return
        if self._initialize is not None and key == key_of(self._initialize.get("id")):
            self._shook_hands = True
        self._forget(key)

    def _forget(self, key: str) -> None:
        self._requests.pop(key, None)
        self._repeated.discard(key)

    def replay(self) -> Replay | None:
        """What to tell a new connection before anything else; None if the client has shaken no hands."""
        if self._initialize is None or not self._shook_hands:
            return None
        settings = tuple(_as_ours(fields) for fields in self._settings.values())
        return Replay(_as_ours(self._initialize), self._initialized, settings)

    def standing(self, unsent: set[str]) -> list[tuple[str, bytes]]:
        """The requests, by key, to open again on a new connection. Those in `unsent` the caller still has."""
        return [
            (key, request.line)
            for key, request in self._requests.items()
            if request.method in _ENDLESS and request.line is not None and key not in unsent
        ]

    def lost(self, unsent: set[str], reason: str) -> tuple[list[bytes], list[tuple[str, bytes]]]:
        """The connection was lost. The requests whose keys are in `unsent` never left us; the caller still has them.

        Returns:
            What to tell the client (errors for what may have run, withdrawal of the daemon's questions), and the
            requests, by key, to send once more, because asking again is harmless.
        """
        tell: list[bytes] = []
        again: list[tuple[str, bytes]] = []
        for key, request in list(self._requests.items()):
            if key in unsent or request.method in _ENDLESS:
                continue
            if request.line is not None and key not in self._repeated:
                self._repeated.add(key)
                again.append((key, request.line))
                continue
            self._forget(key)
            tell.append(error_line(request.id, OUTCOME_UNKNOWN, _fate(request.method, reason)))
        for key, identifier in self._questions.items():
            withdrawn = {"requestId": identifier, "reason": "the mcpool daemon that asked is gone"}
            tell.append(_line({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": withdrawn}))
            self._withdrawn.add(key)
        self._questions.clear()
        return tell, again

    def give_up(self, reason: str) -> list[bytes]:
        """Errors for all requests that wait: there is no daemon to send them to, and none of them was run."""
        tell = [error_line(request.id, UNAVAILABLE, reason) for request in self._requests.values()]
        self._requests.clear()
        self._repeated.clear()
        return tell


def _is_id(identifier: object) -> bool:
    if isinstance(identifier, bool) or not isinstance(identifier, str | int | float):
        return False
    written = json.dumps(identifier, ensure_ascii=False)
    return len(written.encode("utf-8", "surrogatepass")) <= LONGEST_ID


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _line(message: dict[str, Any]) -> bytes:
    return json.dumps(message).encode() + b"\n"


def _as_ours(fields: dict[str, Any]) -> bytes:
    return _line({**fields, "id": REPLAY_ID})


def _fate(method: str, reason: str) -> str:
    return f"{reason} while `{method}` was in flight: it may or may not have run, and was not run again"

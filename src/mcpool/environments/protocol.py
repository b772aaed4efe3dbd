"""The messages of the exec-server protocol: JSON-RPC 2.0 without its version field, one message a WebSocket frame.

As spoken by `codex exec-server` (openai/codex, `codex-rs/exec-server`). Bytes travel in base64, paths as `file:` URIs.
"""

from __future__ import annotations

from typing import Final, Literal

import msgspec

INITIALIZE: Final = "initialize"
INITIALIZED: Final = "initialized"
START: Final = "process/start"
READ: Final = "process/read"
WRITE: Final = "process/write"
TERMINATE: Final = "process/terminate"
OUTPUT: Final = "process/output"
EXITED: Final = "process/exited"
CLOSED: Final = "process/closed"
INFO: Final = "environment/info"
STATUS: Final = "environment/status"
READ_FILE: Final = "fs/readFile"
READ_FOLDER: Final = "fs/readDirectory"
METADATA: Final = "fs/getMetadata"
REAL_PATH: Final = "fs/canonicalize"
HTTP: Final = "http/request"
HTTP_BODY: Final = "http/request/bodyDelta"
HTTP_CANCEL: Final = "mcpool/http/cancel"
"""Of our own executor. Codex's ends the connection when it is told what it does not know."""

INVALID_REQUEST: Final = -32600
METHOD_NOT_FOUND: Final = -32601
INVALID_PARAMS: Final = -32602
INTERNAL_ERROR: Final = -32603
NOT_FOUND: Final = -32004
UNREACHED: Final = -32010
"""Of our own executor: an HTTP request that was not made, since nobody could be reached."""

SESSION_KEPT: Final = 30.0
"""Seconds that an executor keeps a session whose socket was lost."""
RESUME_WITHIN: Final = 25.0
"""Seconds for which its client tries to come back: less, since the two see the loss at different times."""
LARGEST_MESSAGE: Final = 64 * 1024 * 1024
"""Bytes of a message that is read."""

NULL: Final = msgspec.Raw(b"null")
Stream = Literal["stdout", "stderr", "pty"]


class Camel(msgspec.Struct, frozen=True, rename="camel"):
    """What stands in a message. Unknown fields are ignored."""


class Fault(msgspec.Struct, frozen=True):
    """A JSON-RPC error."""

    code: int
    message: str = ""
    data: msgspec.Raw = NULL


class Message(msgspec.Struct, frozen=True):
    """The envelope of anything that comes."""

    id: int | str | None = None
    method: str | None = None
    params: msgspec.Raw = NULL
    result: msgspec.Raw = NULL
    error: Fault | None = None


class Nothing(Camel, frozen=True):
    """No parameters, or an empty result."""


class Shell(Camel, frozen=True):
    """The user's shell there."""

    name: str
    path: str


class Capabilities(Camel, frozen=True):
    """What an executor can do that older ones can't."""

    http_header_env_vars: bool = False
    """It completes HTTP headers with its own variables (`Header.value_env_var`)."""
    mcpool_http_cancel: bool = False
    """It can be told that nobody wants an HTTP answer any more (`HTTP_CANCEL`)."""


class Info(Camel, frozen=True):
    """What an executor tells of itself. `cwd` is the folder that it was started in."""

    shell: Shell | None = None
    cwd: str | None = None
    capabilities: Capabilities = Capabilities()


class Initialize(Camel, frozen=True, omit_defaults=True):
    """The first request on a socket."""

    client_name: str
    resume_session_id: str | None = None


class Initialized(Camel, frozen=True):
    """The answer to it. Older executors tell of themselves only when they are asked."""

    session_id: str
    environment_info: Info | None = None


class EnvPolicy(Camel, frozen=True):
    """Which of the executor's own variables a process gets. Patterns know `*` and `?`, and no case."""

    inherit: Literal["all", "core", "none"]
    ignore_default_excludes: bool
    exclude: tuple[str, ...] = ()
    set: dict[str, str] = {}
    include_only: tuple[str, ...] = ()


class Start(Camel, frozen=True):
    """A process to start. `env` wins over what the policy lets through; without a policy it is all there is."""

    process_id: str
    argv: tuple[str, ...]
    cwd: str
    env: dict[str, str]
    tty: bool = False
    pipe_stdin: bool = False
    arg0: str | None = None
    env_policy: EnvPolicy | None = None


class Started(Camel, frozen=True):
    """It runs."""

    process_id: str


class Read(Camel, frozen=True):
    """What a process did since the event of number `after_seq`."""

    process_id: str
    after_seq: int | None = None
    max_bytes: int | None = None
    wait_ms: int | None = None


class Chunk(Camel, frozen=True):
    """A piece of output. Pieces, the exit and the end of the output of a process are numbered together, from 1."""

    seq: int
    stream: Stream
    chunk: bytes


class Events(Camel, frozen=True):
    """Output that is still kept, and how far the process got."""

    chunks: tuple[Chunk, ...]
    next_seq: int
    exited: bool = False
    exit_code: int | None = None
    closed: bool = False
    failure: str | None = None


class Write(Camel, frozen=True):
    """Bytes for standard input. One that was written before, by its `write_id`, is not written again."""

    process_id: str
    chunk: bytes
    write_id: str = ""


class Written(Camel, frozen=True):
    """What became of it: `accepted`, `unknownProcess`, `stdinClosed` or `starting`."""

    status: str


class Terminate(Camel, frozen=True):
    """End a process."""

    process_id: str


class Terminated(Camel, frozen=True):
    """Whether it ran."""

    running: bool


class Output(Camel, frozen=True):
    """A piece of output, as it comes."""

    process_id: str
    seq: int
    stream: Stream
    chunk: bytes


class Exited(Camel, frozen=True):
    """A process ended."""

    process_id: str
    seq: int
    exit_code: int


class Closed(Camel, frozen=True):
    """Nothing more comes of a process."""

    process_id: str
    seq: int = 0


class Path(Camel, frozen=True):
    """A place, as a `file:` URI: parameters of the questions about files, and the answer to one."""

    path: str


class FileContent(Camel, frozen=True):
    """A whole file."""

    data_base64: bytes


class Metadata(Camel, frozen=True):
    """What stands at a path, links followed. Times are in milliseconds since 1970."""

    is_directory: bool
    is_file: bool
    is_symlink: bool = False
    size: int = 0
    created_at_ms: int = 0
    modified_at_ms: int = 0


class FolderEntry(Camel, frozen=True):
    """One name in a folder, links followed."""

    file_name: str
    is_directory: bool
    is_file: bool


class Folder(Camel, frozen=True):
    """A whole folder."""

    entries: tuple[FolderEntry, ...]


class Header(Camel, frozen=True, omit_defaults=True):
    """One HTTP header. `value_env_var` names a variable of the executor, whose value follows `value` there."""

    name: str
    value: str
    value_env_var: str | None = None


class HttpRequest(Camel, frozen=True):
    """A request that the executor makes. With `stream_response` the body follows in `http/request/bodyDelta`s."""

    method: str
    url: str
    request_id: str
    headers: tuple[Header, ...] = ()
    body_base64: bytes | None = None
    timeout_ms: int | None = None
    redirect_policy: Literal["follow", "stop"] = "follow"
    stream_response: bool = False


class HttpResponse(Camel, frozen=True):
    """Its answer."""

    status: int
    headers: tuple[Header, ...]
    body_base64: bytes = b""


class HttpBody(Camel, frozen=True):
    """A piece of its body; the last one has `done`, or the `error` that broke it off. Numbered from 1."""

    request_id: str
    seq: int
    delta_base64: bytes = b""
    done: bool = False
    error: str | None = None


class HttpCancel(Camel, frozen=True):
    """Go on no more with a request whose body was to be streamed. If it has no answer yet, none comes."""

    request_id: str


def request(id: int, method: str, params: msgspec.Struct) -> bytes:
    """A request, encoded."""
    return msgspec.json.encode({"id": id, "method": method, "params": params})


def notification(method: str, params: msgspec.Struct) -> bytes:
    """A notification, encoded."""
    return msgspec.json.encode({"method": method, "params": params})


def answer(id: int | str, result: msgspec.Struct) -> bytes:
    """An answer, encoded."""
    return msgspec.json.encode({"id": id, "result": result})


def refusal(id: int | str, code: int, message: str) -> bytes:
    """An error in place of an answer, encoded."""
    return msgspec.json.encode({"id": id, "error": {"code": code, "message": readable(message)}})


def readable(text: str) -> str:
    """The text as a message can carry it: a path may hold bytes that are none."""
    return text.encode(errors="surrogateescape").decode(errors="replace")

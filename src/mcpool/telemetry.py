"""Traces and metrics for OpenTelemetry, through its API package alone, in programs that use it.

Names follow the semantic conventions for MCP. Arguments and results are never recorded, nor what servers say of their
errors: of those, a phrase of ours. Where nobody has set a provider, `find` returns None, nothing of OpenTelemetry is
imported, and a request costs one comparison with None.
"""

from __future__ import annotations

import asyncio
import sys
import weakref
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlsplit

import msgspec

from mcpool._version import __version__
from mcpool.errors import (
    AuthRequired,
    CallOutcomeUnknown,
    CallTimeout,
    McpoolError,
    MessageTooLarge,
    RpcError,
    ServerUnavailable,
)

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.metrics import CallbackOptions, Meter, Observation
    from opentelemetry.trace import Span, Tracer

NAME = "mcpool"
"""The instrumentation scope, and the prefix of attributes that the conventions do not know."""

Fields = Mapping[str, bytes | msgspec.Raw]

_CARRIED = ("traceparent", "tracestate", "baggage")
_BUCKETS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0)
"""Seconds, as the conventions advise."""
_LONGEST = 200
"""Characters of a name that somebody else gives."""
_RESERVED_CODES = range(-32768, -32000 + 1)
_OTHER_CODE = "_OTHER"
_PHRASES: tuple[tuple[type[McpoolError], str], ...] = (
    (AuthRequired, "the server wants a sign-in; nothing was run"),
    (ServerUnavailable, "the server could not be started or reached; nothing was sent"),
    (CallOutcomeUnknown, "the connection was lost after the request was sent: it may or may not have run"),
    (CallTimeout, "no answer in time; it may have run"),
    (MessageTooLarge, "a message is larger than the limit"),
    (RpcError, "answered with an error"),
)
"""What is told of an error: its own text may quote a server, and whatever that prints."""


class Census(Protocol):
    """What is counted when somebody collects the metrics. Called from any OS thread."""

    def count(self) -> Iterable[tuple[str, str, int]]:
        """Server, state and leases of each backend."""
        ...


class _Failed(msgspec.Struct):
    is_error: bool = msgspec.field(default=False, name="isError")


def find(environ: Mapping[str, str]) -> Telemetry | None:
    """The telemetry of this program, if it has set a provider of traces or metrics before; None if it has not."""
    if not _in_use(environ):
        return None
    try:
        from opentelemetry import metrics, trace
    except ImportError:
        return None
    tracer_provider, meter_provider = trace.get_tracer_provider(), metrics.get_meter_provider()
    if _does_nothing(tracer_provider) and _does_nothing(meter_provider):
        return None
    return Telemetry(trace.get_tracer(NAME, __version__), metrics.get_meter(NAME, __version__))


def _in_use(environ: Mapping[str, str]) -> bool:
    # Nobody can have set a provider without importing this; the variables make the API load one by itself.
    return any(name in sys.modules for name in ("opentelemetry.trace", "opentelemetry.metrics")) or any(
        name in environ for name in ("OTEL_PYTHON_TRACER_PROVIDER", "OTEL_PYTHON_METER_PROVIDER")
    )


def _does_nothing(provider: object) -> bool:
    # What the API package itself brings are stand-ins.
    return type(provider).__module__.startswith(("opentelemetry.trace", "opentelemetry.metrics"))


class Telemetry:
    """Where spans and measurements of one host go. Made by `find`."""

    def __init__(self, tracer: Tracer, meter: Meter) -> None:
        self._tracer = tracer
        self._meter = meter
        self._duration = meter.create_histogram(
            "mcp.client.operation.duration",
            unit="s",
            description="From a request to its answer, restarts of the server included",
            explicit_bucket_boundaries_advisory=_BUCKETS,
        )
        self._calls = meter.create_counter("mcpool.calls", unit="{call}", description="Requests that have ended")
        self._errors = meter.create_counter("mcpool.errors", unit="{call}", description="Requests without a result")
        self._restarts = meter.create_counter(
            "mcpool.restarts", unit="{restart}", description="Starts of servers after their first"
        )

    def request(self, server: str, method: str, tool: str | None, fields: Fields, meta: Fields | None) -> Request:
        """Begin the span of one request, within the caller's; its `meta` passes the trace on to the server."""
        from opentelemetry import propagate
        from opentelemetry.trace import SpanKind

        method = method[:_LONGEST]
        attributes: dict[str, str] = {"mcp.method.name": method, "mcpool.server": server}
        target = tool or _name(method, "tools/call", fields)
        if target is not None:
            attributes |= {"gen_ai.tool.name": target, "gen_ai.operation.name": "execute_tool"}
        elif (target := _name(method, "prompts/get", fields)) is not None:
            attributes["gen_ai.prompt.name"] = target
        told = attributes
        if method.startswith("resources/") and (uri := _plain(_text(fields.get("uri")))) is not None:
            told = {**attributes, "mcp.resource.uri": uri}  # in the span only: there are too many to count by
        span = self._tracer.start_span(
            method if target is None else f"{method} {target}",
            context=_parent(meta),
            kind=SpanKind.CLIENT,
            attributes=told,
        )
        carrier: dict[str, str] = {}
        propagate.inject(carrier, _within(span))
        passed_on = {key: msgspec.json.encode(value) for key, value in carrier.items()}
        return Request(span, {**(meta or {}), **passed_on}, attributes, self._record)

    def _record(self, seconds: float, attributes: dict[str, str]) -> None:
        self._duration.record(seconds, attributes)
        self._calls.add(1, attributes)
        if "error.type" in attributes:
            self._errors.add(1, attributes)

    def restarting(self, server: str) -> None:
        """A server is started, and not for the first time."""
        self._restarts.add(1, {"mcpool.server": server})

    def connecting(self, server: str, generation: int, opened: asyncio.Future[Any]) -> None:
        """A server is being started: a trace of its own until `opened`, whose result is None or the error."""
        from opentelemetry.context import Context
        from opentelemetry.trace import SpanKind

        attributes: dict[str, str | int] = {"mcpool.server": server, "mcpool.generation": generation}
        # Not within the request that happens to start it: others wait for it too, and it outlives that request.
        span = self._tracer.start_span(
            f"connect {server}", context=Context(), kind=SpanKind.CLIENT, attributes=attributes
        )
        opened.add_done_callback(lambda done: _end_connecting(span, done))

    def watch(self, census: Census) -> None:
        """Let backends and leases be counted whenever metrics are collected, for as long as `census` lives."""
        from opentelemetry.metrics import Observation

        alive = weakref.ref(census)

        def backends(options: CallbackOptions) -> Iterable[Observation]:
            states = Counter((server, state) for server, state, _ in _count(alive))
            return [
                Observation(number, {"mcpool.server": server, "mcpool.state": state})
                for (server, state), number in states.items()
            ]

        def leases(options: CallbackOptions) -> Iterable[Observation]:
            held: Counter[str] = Counter()
            for server, _, number in _count(alive):
                held[server] += number
            return [Observation(number, {"mcpool.server": server}) for server, number in held.items()]

        self._meter.create_observable_gauge(
            "mcpool.backends", [backends], unit="{backend}", description="Supervised servers by state"
        )
        self._meter.create_observable_gauge(
            "mcpool.leases", [leases], unit="{lease}", description="Rights of threads to a server"
        )


class Request:
    """One request under way. `end` or `failed` is called exactly once."""

    __slots__ = ("_attributes", "_record", "_span", "meta")

    def __init__(
        self, span: Span, meta: Fields, attributes: dict[str, str], record: Callable[[float, dict[str, str]], None]
    ) -> None:
        self._span = span
        self._attributes = attributes
        self._record = record
        self.meta = meta
        """The caller's `_meta` with the trace context of this span in it."""

    def sent(self, id: int, revision: str, generation: int) -> None:
        """It was given to a connection."""
        self._span.set_attributes(
            {"jsonrpc.request.id": str(id), "mcp.protocol.version": revision, "mcpool.generation": generation}
        )
        self._attributes["mcp.protocol.version"] = revision

    def resent(self, why: BaseException) -> None:
        """It was lost, and is sent again."""
        self._span.add_event("mcpool.resend", {"mcpool.reason": phrase(why)})

    def answered(self, raw: bytes, seconds: float) -> None:
        """It has its result, after so long."""
        if b'"isError"' in raw and _is_error(raw):
            self._fail("tool_error")
        self._end(seconds)

    def failed(self, error: BaseException, seconds: float) -> None:
        """It has no result."""
        if isinstance(error, RpcError):
            self._span.set_attribute("rpc.response.status_code", str(error.code))
            # Servers may use any number: the metrics count by those that the protocol reserves.
            self._fail(str(error.code) if error.code in _RESERVED_CODES else _OTHER_CODE, phrase(error))
        elif isinstance(error, asyncio.CancelledError):
            self._fail("cancelled")
        else:
            self._fail(type(error).__name__, phrase(error))
        self._end(seconds)

    def _fail(self, kind: str, what: str | None = None) -> None:
        from opentelemetry.trace import Status, StatusCode

        self._attributes["error.type"] = kind
        self._span.set_attribute("error.type", kind)
        self._span.set_status(Status(StatusCode.ERROR, what))

    def _end(self, seconds: float) -> None:
        self._record(seconds, self._attributes)
        self._span.end()


def phrase(error: BaseException) -> str:
    """What happened, in words of ours alone."""
    return next((words for kind, words in _PHRASES if isinstance(error, kind)), type(error).__name__)


def _end_connecting(span: Span, opened: asyncio.Future[Any]) -> None:
    from opentelemetry.trace import Status, StatusCode

    if opened.cancelled():
        span.set_attribute("error.type", "cancelled")
        span.set_status(Status(StatusCode.ERROR))
    elif (error := opened.result()) is not None:
        span.set_attribute("error.type", type(error).__name__)
        span.set_status(Status(StatusCode.ERROR, phrase(error)))
    span.end()


def _count(census: weakref.ref[Census]) -> Iterable[tuple[str, str, int]]:
    counted = census()
    return () if counted is None else counted.count()


def _within(span: Span) -> Context:
    from opentelemetry.trace import set_span_in_context

    return set_span_in_context(span)


def _parent(meta: Fields | None) -> Context | None:
    """What an MCP client told of its own trace; None (the current context) if this program traces the caller itself."""
    from opentelemetry import propagate
    from opentelemetry.trace import get_current_span

    if meta is None or get_current_span().get_span_context().is_valid:
        return None
    carrier = {key: text for key in _CARRIED if (text := _text(meta.get(key))) is not None}
    return propagate.extract(carrier) if carrier else None


def _name(method: str, wanted: str, fields: Fields) -> str | None:
    name = _text(fields.get("name")) if method == wanted else None
    return None if name is None else name[:_LONGEST]


def _plain(uri: str | None) -> str | None:
    """A URI without what may be secret in it: user, password, query and fragment."""
    try:
        parts = urlsplit((uri or "")[: 10 * _LONGEST])
    except ValueError:
        return None
    plain = parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment="").geturl()
    return plain[:_LONGEST] or None


def _text(raw: bytes | msgspec.Raw | None) -> str | None:
    try:
        return None if raw is None else msgspec.json.decode(raw, type=str)
    except msgspec.DecodeError:
        return None


def _is_error(raw: bytes) -> bool:
    try:
        return msgspec.json.decode(raw, type=_Failed).is_error
    except (msgspec.DecodeError, RecursionError):
        return False

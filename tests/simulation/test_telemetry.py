"""What OpenTelemetry is told: spans of requests and starts, measurements, and the context that servers are given."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

import pytest

from mcpool.errors import CallOutcomeUnknown, CallTimeout, RpcError
from mcpool.telemetry import Telemetry
from support.fake_server import FakeProcess, FakeServer, Message, exits, nothing, tool
from support.world import World, call, config

pytest.importorskip("opentelemetry.sdk", reason="opentelemetry-sdk is not installed")

from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


class Watched:
    """Telemetry that is kept in memory."""

    def __init__(self) -> None:
        self.exporter = InMemorySpanExporter()
        self.provider = TracerProvider(shutdown_on_exit=False)
        self.provider.add_span_processor(SimpleSpanProcessor(self.exporter))
        self.tracer = self.provider.get_tracer("test")
        self.reader = InMemoryMetricReader()
        self.telemetry = Telemetry(self.tracer, MeterProvider([self.reader], shutdown_on_exit=False).get_meter("test"))

    def spans(self, name: str) -> list[ReadableSpan]:
        """The ended spans of that name."""
        return [span for span in self.exporter.get_finished_spans() if span.name == name]

    def span(self, name: str) -> ReadableSpan:
        """The only one."""
        (span,) = self.spans(name)
        return span

    def points(self, metric: str) -> list[Any]:
        """The data points of a metric now."""
        data: Any = self.reader.get_metrics_data()
        metrics: list[Any] = [] if data is None else data.resource_metrics[0].scope_metrics[0].metrics
        return [point for each in metrics if each.name == metric for point in each.data.data_points]


@pytest.fixture
def watched() -> Watched:
    return Watched()


def attributes(span: ReadableSpan) -> dict[str, Any]:
    assert span.attributes is not None
    return dict(span.attributes)


class TestRequests:
    async def test_a_call_is_one_client_span_by_the_conventions(self, watched: Watched) -> None:
        async with World(FakeServer("fake"), telemetry=watched.telemetry) as world:
            await call(world.thread())
        span = watched.span("tools/call echo")
        assert span.kind is SpanKind.CLIENT
        assert span.status.status_code is StatusCode.UNSET
        told = attributes(span)
        assert told.pop("jsonrpc.request.id").isdecimal()
        assert told.pop("mcp.protocol.version") == "2025-11-25"
        assert told == {
            "mcp.method.name": "tools/call",
            "gen_ai.operation.name": "execute_tool",
            "gen_ai.tool.name": "echo",
            "mcpool.server": "fake",
            "mcpool.generation": 1,
        }

    async def test_the_server_gets_the_context_of_that_span(self, watched: Watched) -> None:
        server = FakeServer("fake")
        async with World(server, telemetry=watched.telemetry) as world:
            await call(world.thread())
        context: Any = watched.span("tools/call echo").context
        (received,) = server.got("tools/call")
        version, trace, span, _ = received["params"]["_meta"]["traceparent"].split("-")
        assert (version, trace, span) == ("00", f"{context.trace_id:032x}", f"{context.span_id:016x}")

    async def test_the_span_is_within_the_caller_s(self, watched: Watched) -> None:
        async with World(FakeServer("fake"), telemetry=watched.telemetry) as world:
            with watched.tracer.start_as_current_span("agent") as agent:
                await call(world.thread())
        parent = watched.span("tools/call echo").parent
        assert parent is not None
        assert parent.span_id == agent.get_span_context().span_id

    async def test_without_one_it_is_within_what_a_client_told_of_its_own(self, watched: Watched) -> None:
        server = FakeServer("fake")
        meta = {"traceparent": f'"00-{TRACE}-{PARENT}-01"'.encode(), "vendor": b"7"}
        async with World(server, telemetry=watched.telemetry) as world, world.thread().step() as step:
            await step.relay("fake", "tools/call", {"name": b'"echo"', "arguments": b"{}"}, meta=meta)
        span = watched.span("tools/call echo")
        assert span.parent is not None
        assert f"{span.parent.trace_id:032x}-{span.parent.span_id:016x}" == f"{TRACE}-{PARENT}"
        (received,) = server.got("tools/call")
        assert received["params"]["_meta"]["vendor"] == 7

    async def test_neither_arguments_nor_results_are_recorded(self, watched: Watched) -> None:
        async with World(FakeServer("fake"), telemetry=watched.telemetry) as world:
            await call(world.thread(), secret="hunter2")
        assert "hunter2" not in "".join(span.to_json() for span in watched.exporter.get_finished_spans())

    async def test_a_call_that_is_sent_again_is_one_span_with_an_event(self, watched: Watched) -> None:
        server = FakeServer("fake", tools=[tool("echo", annotations={"readOnlyHint": True})])
        server.acts["tools/call"] = exits
        async with World(server, telemetry=watched.telemetry) as world:
            calling = asyncio.create_task(call(world.thread()))
            await server.receives("tools/call")
            del server.acts["tools/call"]
            await calling
        span = watched.span("tools/call echo")
        (event,) = span.events
        assert (event.name, dict(event.attributes or {})) == ("mcpool.resend", {"mcpool.reason": "ConnectionLost"})
        assert attributes(span)["mcpool.generation"] == 2
        assert "error.type" not in attributes(span)

    async def test_a_call_whose_outcome_is_unknown_is_an_error(self, watched: Watched) -> None:
        server = FakeServer("fake")
        server.acts["tools/call"] = exits
        async with World(server, telemetry=watched.telemetry) as world:
            with pytest.raises(CallOutcomeUnknown):
                await call(world.thread())
        span = watched.span("tools/call echo")
        assert span.status.status_code is StatusCode.ERROR
        assert attributes(span)["error.type"] == "CallOutcomeUnknown"

    async def test_a_server_s_error_is_told_by_its_code(self, watched: Watched) -> None:
        server = FakeServer("fake")
        server.acts["tools/call"] = lambda process, message: process.refuses(message, -32602, "no such thing")
        async with World(server, telemetry=watched.telemetry) as world:
            with pytest.raises(RpcError):
                await call(world.thread())
        span = watched.span("tools/call echo")
        assert attributes(span)["error.type"] == attributes(span)["rpc.response.status_code"] == "-32602"

    async def test_numbers_that_a_server_invents_are_one_kind_of_error(self, watched: Watched) -> None:
        """Metrics are kept for each kind."""
        server = FakeServer("fake")
        server.acts["tools/call"] = lambda process, message: process.refuses(message, 1234567, "no such thing")
        async with World(server, telemetry=watched.telemetry) as world:
            with pytest.raises(RpcError):
                await call(world.thread())
        told = attributes(watched.span("tools/call echo"))
        assert (told["error.type"], told["rpc.response.status_code"]) == ("_OTHER", "1234567")

    async def test_a_resource_is_told_without_what_may_be_secret_in_its_address(self, watched: Watched) -> None:
        uri = b'"postgres://ann:hunter2@db.example/table?key=hunter2#hunter2"'
        async with World(FakeServer("fake"), telemetry=watched.telemetry) as world, world.thread().step() as step:
            with suppress(RpcError):
                await step.relay("fake", "resources/read", {"uri": uri})
        assert attributes(watched.span("resources/read"))["mcp.resource.uri"] == "postgres://db.example/table"

    async def test_nothing_that_a_server_says_of_its_error_is_told(self, watched: Watched) -> None:
        server = FakeServer("fake")
        server.acts["tools/call"] = lambda process, message: process.refuses(message, -32602, "hunter2")
        async with World(server, telemetry=watched.telemetry) as world:
            with pytest.raises(RpcError):
                await call(world.thread())
        span = watched.span("tools/call echo")
        assert span.status.description == "answered with an error"
        assert "hunter2" not in span.to_json()

    async def test_a_tool_s_own_error_is_told_apart(self, watched: Watched) -> None:
        def fails(process: FakeProcess, message: Message) -> None:
            process.answers(message, {"content": [{"type": "text", "text": '""'}], "isError": True})

        server = FakeServer("fake")
        server.acts["tools/call"] = fails
        async with World(server, telemetry=watched.telemetry) as world:
            await call(world.thread())
        assert attributes(watched.span("tools/call echo"))["error.type"] == "tool_error"

    async def test_a_call_given_up_is_told_as_cancelled(self, watched: Watched) -> None:
        server = FakeServer("fake")
        server.acts["tools/call"] = nothing
        async with World(server, telemetry=watched.telemetry) as world:
            calling = asyncio.create_task(call(world.thread()))
            await server.receives("tools/call")
            calling.cancel()
            await asyncio.wait([calling])
        assert attributes(watched.span("tools/call echo"))["error.type"] == "cancelled"


class TestStarts:
    async def test_a_start_is_a_trace_of_its_own(self, watched: Watched) -> None:
        async with World(FakeServer("fake"), telemetry=watched.telemetry) as world:
            with watched.tracer.start_as_current_span("agent"):
                await call(world.thread())
        span = watched.span("connect fake")
        assert span.parent is None
        assert attributes(span) == {"mcpool.server": "fake", "mcpool.generation": 1}

    async def test_a_start_that_fails_is_an_error_in_words_of_ours(self, watched: Watched) -> None:
        """Those of the server, its last on stderr for example, may be anything."""
        server = FakeServer("fake", fails_to_start="no such command")
        async with World(server, telemetry=watched.telemetry) as world:
            backend = await world.backend_of_new_thread()
            with pytest.raises(Exception, match="no such command"):
                await backend.connected()
        span = watched.spans("connect fake")[0]
        assert span.status.status_code is StatusCode.ERROR
        assert span.status.description == "the server could not be started or reached; nothing was sent"
        assert "no such command" not in span.to_json()
        assert attributes(span)["error.type"] == "ServerUnavailable"


class TestMetrics:
    async def test_calls_errors_and_durations_are_counted(self, watched: Watched) -> None:
        server = FakeServer("fake", tools=[tool("echo"), tool("slow")])
        server.acts["tools/call slow"] = nothing
        async with World(server, configs=[config(tool_timeout=3.0)], telemetry=watched.telemetry) as world:
            thread = world.thread()
            await call(thread)
            await call(thread)
            with pytest.raises(CallTimeout):
                await call(thread, "slow")
            counted = {point.attributes["gen_ai.tool.name"]: point for point in watched.points("mcpool.calls")}
            assert {name: point.value for name, point in counted.items()} == {"echo": 2, "slow": 1}
            (error,) = watched.points("mcpool.errors")
            assert (error.value, error.attributes["error.type"]) == (1, "CallTimeout")
            durations = watched.points("mcp.client.operation.duration")
            assert {point.attributes["gen_ai.tool.name"]: point.count for point in durations} == {"echo": 2, "slow": 1}
            (slow,) = [point for point in durations if point.attributes["gen_ai.tool.name"] == "slow"]
            assert slow.sum == pytest.approx(3.0, abs=0.1)

    async def test_restarts_are_counted_and_first_starts_are_not(self, watched: Watched) -> None:
        server = FakeServer("fake")
        async with World(server, telemetry=watched.telemetry) as world:
            thread = world.thread()
            await call(thread)
            assert watched.points("mcpool.restarts") == []
            server.process.exit(1)
            await call(thread)
            (restarts,) = watched.points("mcpool.restarts")
        assert (restarts.value, restarts.attributes["mcpool.server"]) == (1, "fake")

    async def test_backends_are_counted_by_state_and_leases_by_server(self, watched: Watched) -> None:
        async with World(FakeServer("fake"), FakeServer("idle"), telemetry=watched.telemetry) as world:
            await call(world.thread())
            await world.thread().refresh()
            states = {
                (p.attributes["mcpool.server"], p.attributes["mcpool.state"]): p.value
                for p in watched.points("mcpool.backends")
            }
            leases = {point.attributes["mcpool.server"]: point.value for point in watched.points("mcpool.leases")}
        assert states[("fake", "ready")] == 1
        assert leases == {"fake": 2, "idle": 2}

"""Calls as OpenTelemetry spans, printed one a line. Needs `mcpool[telemetry]` and an SDK, here `opentelemetry-sdk`."""

import asyncio
import sys

from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import ConsoleSpanExporter, SimpleSpanProcessor

import mcpool

CONFIG = {"mcpServers": {"demo": {"command": sys.executable, "args": ["-m", "mcpool.demo"]}}}


def line(span: ReadableSpan) -> str:
    return f"{span.name}, {'within another' if span.parent else 'a trace of its own'}\n"


async def main() -> None:
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(ConsoleSpanExporter(formatter=line)))
    trace.set_tracer_provider(provider)  # before the host opens: it looks once

    async with mcpool.open(CONFIG) as host, host.thread() as thread:
        with trace.get_tracer("my agent").start_as_current_span("turn"):
            async with thread.step() as step:
                await step.call("mcp__demo__clock", {})


if __name__ == "__main__":
    asyncio.run(main())

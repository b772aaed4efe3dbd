"""When telemetry is used at all: in programs that set a provider, and at no cost in all others."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

needs_sdk = pytest.mark.skipif(find_spec("opentelemetry.sdk") is None, reason="opentelemetry-sdk is not installed")

_PROVIDERS = """
from opentelemetry import metrics, trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
"""

_TRACES = """
exporter = InMemorySpanExporter()
provider = TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(exporter))
trace.set_tracer_provider(provider)
"""

_METRICS = """
metrics.set_meter_provider(MeterProvider([InMemoryMetricReader()]))
"""

_USE = """
import asyncio, json, sys, mcpool

async def main():
    demo = {"command": sys.executable, "args": ["-m", "mcpool.demo"]}
    async with mcpool.open({"mcp_servers": {"demo": demo}}, home=sys.argv[1]) as host:
        async with host.thread() as thread, thread.step() as step:
            await step.call("mcp__demo__clock", {})
asyncio.run(main())
"""

_FIND = """
import json, sys
from mcpool.telemetry import find
print(json.dumps({"found": find({}) is not None, "imported": "opentelemetry" in sys.modules}))
"""


def run(program: str, *arguments: str) -> Any:
    done = subprocess.run([sys.executable, "-c", program, *arguments], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@needs_sdk
def test_a_program_that_set_a_provider_sees_its_calls_and_starts(tmp_path: Path):
    told = "print(json.dumps([span.name for span in exporter.get_finished_spans()]))"
    assert run(_PROVIDERS + _TRACES + _USE + told, str(tmp_path / "home")) == ["connect demo", "tools/call clock"]


def test_a_program_that_does_not_use_it_imports_nothing_of_it(tmp_path: Path):
    told = "print(json.dumps([name for name in sys.modules if name.startswith('opentelemetry')]))"
    assert run(_USE + told, str(tmp_path / "home")) == []


@needs_sdk
@pytest.mark.parametrize("providers", [_TRACES, _METRICS])
def test_traces_or_metrics_alone_are_enough(providers: str):
    assert run(_PROVIDERS + providers + _FIND)["found"]


@needs_sdk
def test_the_api_without_a_provider_is_no_use():
    assert run(_PROVIDERS + _FIND) == {"found": False, "imported": True}


def test_a_variable_that_names_a_provider_is_of_no_use_without_the_package():
    program = """
import json, sys
sys.modules["opentelemetry"] = None
from mcpool.telemetry import find
print(json.dumps(find({"OTEL_PYTHON_TRACER_PROVIDER": "sdk_tracer_provider"}) is None))
"""
    assert run(program) is True

"""What must hold after each happening, whatever it was, and what when a history has come to rest."""

from __future__ import annotations

from mcpool.backend.backend import Backend
from mcpool.errors import (
    CallOutcomeUnknown,
    CallTimeout,
    Closed,
    McpoolError,
    RpcError,
    ServerUnavailable,
    ToolChanged,
    ToolNotFound,
)
from simulation.faults.history import STARTUP_TIMEOUT, TOOL_TIMEOUT, Call, History, Violated

DEADLINE = TOOL_TIMEOUT + 3.0
"""Seconds, but for those in which its thread is asked something, after which a call has ended, however often the server
is started and the call is sent meanwhile: its time-out, and what a step waits for tools it never saw."""

LEEWAY = 2 * STARTUP_TIMEOUT + 5.0
"""Seconds more than its idle time-out, after which what nobody leases must be gone."""


def check_now(history: History) -> None:
    """After each happening."""
    _one_process(history)
    _one_at_a_time(history)
    _bounded(history)
    for call in history.calls:
        _no_silent_duplicate(history, call)
    _calm(history)


def check_at_rest(history: History) -> None:
    """When every call has ended."""
    check_now(history)
    for call in history.calls:
        _expect(call.task.done(), f"invariant 9: {call} never ended")
        _right_outcome(history, call)
    _expect(not history.world.defects, f"something broke: {history.world.defects}")
    for backend in _backends(history):
        _expect(backend.in_flight == 0, f"invariant 9: {backend} counts requests that have ended")
    for entry in history.world.pool:
        _expect(entry.lanes.waiting == 0, f"invariant 9: {entry.lanes} lets somebody wait for ever")


def check_unused(history: History) -> None:
    """A while after the last thread was closed."""
    for server in (history.faulty, history.calm):
        _expect(not server.running, f"invariant 4: nobody holds {server.running}")
    held = [entry.backend for entry in history.world.pool if entry.backend.holders.leases]
    _expect(not held, f"invariant 4: {held} still count leases")


def _expect(holds: bool, otherwise: str) -> None:
    if not holds:
        raise Violated(otherwise)


def _backends(history: History) -> list[Backend]:
    return [backend for entry in history.world.pool for backend in (entry.backend, *entry.lanes.overflow)]


def _one_process(history: History) -> None:
    seen: set[object] = set()
    for entry in history.world.pool:
        if not entry.retired:
            _expect(entry.key not in seen, f"invariant 1: two backends take leases for {entry.key}")
            seen.add(entry.key)
        else:
            _expect(bool(entry.backend.holders.leases), f"invariant 4: nobody holds {entry.backend}")


def _one_at_a_time(history: History) -> None:
    if not history.plan.overlap and history.plan.when_asking in ("serialise", "decline"):
        running = history.faulty.running
        _expect(len(running) <= 1, f"`overlap = false`: {running} run at the same time")


def _bounded(history: History) -> None:
    now = history.loop.time()
    waiting = history.unanswered()
    for call in waiting:
        limit = DEADLINE + len(history.people[call.thread].questions) * history.plan.answers_after
        _expect(now - call.began <= limit, f"invariant 9: {call} waits for {now - call.began:.1f} s")
    in_flight = sum(backend.in_flight for backend in _backends(history))
    # Steps of their own, relists and wishes come on top of the calls.
    most = len(waiting) + len(history.threads) * 4 + 8
    _expect(in_flight <= most, f"invariant 9: {in_flight} requests in flight for {len(waiting)} calls")


def _no_silent_duplicate(history: History, call: Call) -> None:
    ran, attempts = history.faulty.ran[call.number], history.faulty.attempts[call.number]
    _expect(attempts <= 2, f"invariant 6: {call} was sent {attempts} times")
    harmless = call.tool in ("read", "put") if history.plan.retry == "safe" else history.plan.retry == "always"
    if not harmless:
        _expect(ran <= 1, f"invariant 6: {call} ran {ran} times")


def _calm(history: History) -> None:
    for call in history.calls:
        if call.server == "calm" and call.task.done() and not call.cancelled and call.thread not in history.closed:
            error = call.task.exception() if not call.task.cancelled() else "cancelled"
            _expect(error is None, f"invariant 10: {call} of the healthy server failed: {error!r}")
            _expect(call.task.result() == str(call.number), f"invariant 7: {call} got {call.task.result()}")


def _right_outcome(history: History, call: Call) -> None:
    ran = history.faulty.ran[call.number]
    if call.task.cancelled():
        _expect(call.cancelled, f"{call} was cancelled by nobody")
        return
    error = call.task.exception()
    if error is None:
        answer = call.task.result()
        _expect(answer == str(call.number), f"invariant 7: {call} got the answer {answer!r}")
        _expect(call.server == "calm" or ran >= 1, f"{call} was answered, but never ran")
        return
    if call.cancelled or call.thread in history.closed:
        return
    _expect(isinstance(error, McpoolError), f"{call} failed with {error!r}")
    match error:
        case ServerUnavailable() | ToolNotFound() | ToolChanged():
            harmless = call.tool in ("read", "put") or history.plan.retry == "always"
            _expect(ran == 0 or harmless, f"invariant 6: {call} is said not to have run, but it ran: {error}")
        case CallOutcomeUnknown() | CallTimeout() | RpcError():
            pass
        case Closed():
            _expect(False, f"{call} met a thread that is open as closed: {error}")
        case _:
            _expect(False, f"{call} failed with {error!r}")

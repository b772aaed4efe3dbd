"""Run a short command to its end and take what it prints, within a time and a size, leaving nothing of it behind."""

from __future__ import annotations

import asyncio
import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mcpool.launch.ending import Quarry, end_processes, reap
from mcpool.launch.exit_watch import exit_status, watch_exit
from mcpool.launch.output_pipe import OutputPipe
from mcpool.launch.process_table import SERVER_COOKIE, ProcessRow, look
from mcpool.launch.to_the_end import to_the_end

GRACE = 1.0
"""Seconds that what is ended early has to tidy up: a start file may hold a lock."""
_KEPT_STDERR = 4096


@dataclass(frozen=True, slots=True)
class ProcessOutput:
    """What came of a command."""

    status: int | None
    """As in `subprocess`; None if it could not be started, took too long or was ended early."""
    stdout: bytes
    problem: str
    """Why it is no success, as a sentence; empty if `status` is 0."""


async def process_output(
    argv: Sequence[str],
    *,
    env: Mapping[str, str],
    seconds: float,
    cwd: str = "/",
    limit: int = 4 * 1024 * 1024,
    until: bytes | None = None,
    mark: str | None = None,
) -> ProcessOutput:
    """Run `argv` in a session of its own, without input, for at most `seconds`.

    Done at its exit, or as soon as its output ends with `until`; what is left of its session is ended then, and with
    `mark` (a random text) whatever else it started too. Output over `limit` bytes is a failure. Never raises for what
    the command does.
    """
    loop = asyncio.get_running_loop()
    if mark is not None:
        env = {**env, SERVER_COOKIE: mark}
    out_read, out_write = os.pipe()
    err_read, err_write = os.pipe()
    try:
        process = subprocess.Popen(  # noqa: ASYNC220 (about a millisecond)
            argv, stdin=subprocess.DEVNULL, stdout=out_write, stderr=err_write, env=env, cwd=cwd, start_new_session=True
        )
    except OSError as error:
        os.close(out_read)
        os.close(err_read)
        return ProcessOutput(None, b"", f"{argv[0]} could not be started: {error.strerror}")
    finally:
        os.close(out_write)
        os.close(err_write)

    done = asyncio.Event()
    stdout, stderr = bytearray(), bytearray()

    def on_stdout(data: bytes) -> None:
        stdout.extend(data)
        if len(stdout) > limit or (until is not None and stdout.endswith(until)):
            done.set()

    def on_stderr(data: bytes) -> None:
        stderr.extend(data)
        del stderr[:-_KEPT_STDERR]

    output = OutputPipe(loop, out_read, on_stdout, lambda: None)
    errors = OutputPipe(loop, err_read, on_stderr, lambda: None)
    watch = watch_exit(loop, process.pid, done.set)
    timed_out = False
    row = look(process.pid)
    try:
        async with asyncio.timeout(seconds):
            await done.wait()
    except TimeoutError:
        timed_out = True
    finally:
        output.drain()
        errors.drain()
        output.close()
        errors.close()
        watch.close()
        status = exit_status(process.pid)
        await to_the_end(_end(process, row.started if row else 0, mark))
    if timed_out:
        return ProcessOutput(None, bytes(stdout), f"{argv[0]} did not finish within {round(seconds, 1):g} s")
    if len(stdout) > limit:
        return ProcessOutput(None, bytes(stdout[:limit]), f"{argv[0]} printed more than {limit} bytes")
    if status == 0 or (until is not None and stdout.endswith(until)):
        return ProcessOutput(0, bytes(stdout), "")
    said = stderr.decode(errors="replace").strip()
    return ProcessOutput(status, bytes(stdout), f"{argv[0]} ended with status {status}" + (f": {said}" if said else ""))


async def _end(process: subprocess.Popen[bytes], started: int, mark: str | None) -> None:
    def marked(row: ProcessRow) -> bool:
        return mark is not None and row.carries(SERVER_COOKIE, mark)

    # Until it is waited for, the leader's number and with it its group can't become another's.
    await end_processes(Quarry(marked, groups=(process.pid,), since=started), grace=GRACE)
    await reap(process)

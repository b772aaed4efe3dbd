"""A link to a real process: what it delivers, counts and survives, and how it ends."""

from __future__ import annotations

import asyncio
import os
import select
import signal
import sys
from typing import TYPE_CHECKING

import pytest

from mcpool.launch.process_table import look, members, scan

if TYPE_CHECKING:
    from integration.launch.conftest import Starter
    from support.reports import Reports

BIG = 8 * 1024 * 1024


def wait_for_death(pid: int) -> None:
    """Block, without giving the event loop a turn, until the child has ended."""
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)


async def test_server_answers_what_it_is_asked(starter: Starter) -> None:
    """Bytes go out and come back unchanged."""
    link, sink = await starter.run("/bin/cat")

    link.write(b"one\n")
    link.write(b"two\n")

    assert await sink.received(8) == b"one\ntwo\n"
    assert (link.sent, link.buffered, link.alive) == (8, 0, True)


async def test_answers_in_the_pipe_at_exit_come_before_the_exit(starter: Starter) -> None:
    """Exit may be seen before the bytes that the process wrote just before it."""
    for _ in range(60):
        link, sink = await starter.sh("printf answer; exit 7")
        assert link.pid is not None
        wait_for_death(link.pid)

        status = await sink.exit()

        assert (status, bytes(sink.data)) == (7, b"answer")
        assert sink.events[-1] == "exit"


async def test_exit_is_enough_when_a_grandchild_holds_the_output(starter: Starter) -> None:
    """A wrapper that exits ends the connection; what it left is ended as well."""
    link, sink = await starter.sh("sleep 1000 & echo $!; exit 3")
    grandchild = os.pidfd_open(int(await sink.line()))
    poller = select.poll()
    poller.register(grandchild, select.POLLIN)

    status = await sink.exit()
    await link.close()

    assert status == 3
    assert poller.poll(0), "the grandchild still lives"
    os.close(grandchild)


async def test_grandchild_that_floods_the_output_does_not_keep_the_exit_back(starter: Starter) -> None:
    """What is read at the exit is what was in the pipe then."""
    link, sink = await starter.sh("yes & exit 4")

    assert await sink.exit() == 4
    await link.close()
    after = len(sink.data)
    await asyncio.sleep(0)
    assert len(sink.data) == after


async def test_exit_status_of_a_signal_is_negative(starter: Starter) -> None:
    """As in `subprocess`."""
    link, sink = await starter.run("/bin/cat")

    link.kill()

    assert await sink.exit() == -signal.SIGKILL
    assert not link.alive


async def test_death_is_visible_before_it_is_reported(starter: Starter) -> None:
    """Before each send one can look."""
    link, sink = await starter.sh("exit 0")
    assert link.pid is not None

    wait_for_death(link.pid)

    assert not link.alive
    assert not sink.exits


async def test_server_that_closed_its_input_is_not_alive(starter: Starter) -> None:
    """It runs, but nothing can reach it."""
    link, sink = await starter.sh("exec 0<&-; echo closed; sleep 1000")

    await sink.line()

    assert not link.alive
    assert not sink.exits


async def test_server_that_closes_its_input_with_a_request_unread_is_ended(starter: Starter) -> None:
    """Nobody waits until the time of the request is up, and the request provably was not read."""
    link, sink = await starter.sh("read line; exec <&-; echo closed; exec sleep 1000")
    link.write(b"a line\nnever read\n")

    assert await sink.exit() is not None

    assert (bytes(sink.data), link.sent) == (b"closed\n", len(b"a line\n"))


async def test_server_that_never_reads_never_blocks_the_writer(starter: Starter) -> None:
    """Every byte is either sent or buffered."""
    link, _ = await starter.sh("sleep 1000")

    for _ in range(64):
        link.write(b"x" * (BIG // 64))

    assert link.buffered > BIG // 2
    assert link.sent + link.buffered == BIG


async def test_bytes_that_the_dead_server_never_read_do_not_count_as_sent(starter: Starter) -> None:
    """Neither those that waited here nor those in the pipe."""
    link, sink = await starter.python("import os, sys; os.read(0, 1000); os.write(1, b'.'); os.read(0, 0); os._exit(0)")
    link.write(b"x" * BIG)

    await sink.exit()

    assert link.sent == 1000
    assert link.buffered == 0


async def test_unread_bytes_count_as_sent_while_a_descendant_could_read_them(starter: Starter) -> None:
    """Only what provably nobody reads is taken back."""
    link, sink = await starter.sh("exec 3<&0; sleep 1000 <&3 & exit 0")
    link.write(b"x" * 10)

    await sink.exit()

    assert link.sent == 10


async def test_large_result_arrives_whole(starter: Starter) -> None:
    """32 MB, in whatever chunks."""
    link, sink = await starter.python(
        "import os\nfor i in range(32): os.write(1, bytes([i]) * 1000000)\nos.read(0, 1)",
    )

    received = await sink.received(32_000_000)

    assert received == b"".join(bytes([i]) * 1_000_000 for i in range(32))
    await link.close()


async def test_large_request_arrives_whole(starter: Starter) -> None:
    """Pieces that waited are sent in order."""
    link, sink = await starter.run("/bin/cat")
    pieces = [bytes([65 + i % 26]) * (1 + i * 101) for i in range(400)]

    for piece in pieces:
        link.write(piece)

    assert await sink.received(sum(map(len, pieces))) == b"".join(pieces)
    assert (link.sent, link.buffered) == (sum(map(len, pieces)), 0)


async def test_server_that_floods_its_output_leaves_others_their_turn(starter: Starter) -> None:
    """A neighbour is answered meanwhile, and the flood can be ended."""
    flood, _ = await starter.run("/usr/bin/yes")
    neighbour, sink = await starter.run("/bin/cat")

    for count in range(1, 6):
        neighbour.write(b"hello\n")
        await sink.received(count * 6)
    await flood.close()

    assert not flood.alive


async def test_writing_after_death_does_nothing(starter: Starter) -> None:
    """No exception, no count."""
    link, sink = await starter.sh("exit 0")
    await sink.exit()
    await link.close()

    link.write(b"hello\n")

    assert (link.sent, link.buffered) == (0, 0)


async def test_last_words_are_known_when_the_exit_is_reported(starter: Starter) -> None:
    """Even a last line without an end; only the last twenty are kept."""
    link, sink = await starter.sh(
        "i=0; while [ $i -lt 30 ]; do echo line $i >&2; i=$((i+1)); done; printf 'oh no' >&2; exit 1"
    )

    await sink.exit()

    words = link.last_words().splitlines()
    assert words[-1] == "oh no"
    assert words[0] == "line 11"


async def test_stderr_goes_to_a_private_log(starter: Starter) -> None:
    """With a line for the start and one for the end."""
    link, sink = await starter.sh("echo something went wrong >&2")
    await sink.exit()
    await link.close()
    await starter.launcher.close()

    path = starter.folder / "logs" / "srv.log"
    lines = path.read_text().splitlines()
    assert lines[1] == "something went wrong"
    assert f"started, pid {link.pid}" in lines[0]
    assert lines[2].endswith(f"ended, pid {link.pid}, status 0")
    assert path.stat().st_mode & 0o777 == 0o600


async def test_server_is_stopped_by_the_end_of_its_input(starter: Starter) -> None:
    """No signal for one that behaves."""
    link, sink = await starter.sh("trap 'exit 9' TERM; read line; exit 0")

    await link.close()

    assert sink.exits == [0]


async def test_server_that_ignores_the_end_of_its_input_gets_sigterm_once(starter: Starter) -> None:
    """A second SIGTERM makes some programs skip their cleaning up."""
    link, sink = await starter.python(
        "import os, signal, sys\n"
        "signal.signal(signal.SIGTERM, lambda *_: os.write(1, b'T'))\n"
        "os.write(1, b'ready\\n')\n"
        "while True: signal.pause()"
    )
    await sink.line()

    await link.close()

    assert sink.exits == [-signal.SIGKILL]
    assert bytes(sink.data) == b"ready\nT"


async def test_closing_ends_every_descendant(starter: Starter, reports: Reports, stubborn: tuple[str, ...]) -> None:
    """P1: those that ignore SIGTERM, call `setsid`, fork twice or cleared their environment too."""
    names = ("server", "child", "setsid", "forked-twice", "no-environment")
    link, _ = await starter.run(*stubborn)
    reports.wait_for(*names)

    await link.close()

    assert not reports.living(*names)


async def test_closing_goes_on_when_the_caller_is_cancelled(starter: Starter) -> None:
    """Once begun it completes."""
    link, sink = await starter.sh("trap '' TERM; echo ready; while :; do sleep 1000; done")
    await sink.line()
    closing = asyncio.create_task(link.close())
    await asyncio.sleep(0)

    closing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await closing
    await link.close()

    assert sink.exits == [-signal.SIGKILL]


async def test_closing_twice_at_once_ends_it_once(starter: Starter) -> None:
    """From any task."""
    link, sink = await starter.run("/bin/cat")

    await asyncio.gather(link.close(), link.close())
    await link.close()

    assert sink.exits == [0]


async def test_closing_the_launcher_ends_all_servers(starter: Starter) -> None:
    """Those that nobody closed."""
    sinks = [(await starter.run("/bin/cat"))[1] for _ in range(3)]

    await starter.launcher.close()

    assert [sink.exits for sink in sinks] == [[0], [0], [0]]


async def test_server_has_its_own_session_and_exactly_the_given_environment(starter: Starter) -> None:
    """And the two cookies."""
    link, sink = await starter.run(
        sys.executable, "-I", "-S", "-c", "import os; print(os.getsid(0), sorted(os.environ))", env={"GIVEN": "1"}
    )

    session, _, names = (await sink.line()).partition(" ")

    assert int(session) == link.pid
    assert set(eval(names)) - {"LC_CTYPE"} == {"GIVEN", "MCPOOL_HOST", "MCPOOL_SERVER", "PATH"}


async def test_failing_sink_does_not_keep_the_server_from_being_ended(starter: Starter) -> None:
    """Whoever listens must not be able to leave an orphan."""
    errors: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: errors.append(context["exception"]))
    link, sink = await starter.sh("sleep 1000 & exit 0")

    def fail(status: int | None) -> None:
        raise RuntimeError(status)

    sink.on_exit = fail
    assert link.pid is not None
    group = link.pid
    wait_for_death(group)
    await asyncio.sleep(0.01)
    await link.close()

    assert [type(error) for error in errors] == [RuntimeError]
    assert not members(scan(), lambda row: False, (group,))
    assert look(group) is None

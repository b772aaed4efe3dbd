"""Kills one real server again and again, at random moments, under 64 callers, and counts what became of their calls."""

from __future__ import annotations

import asyncio
import os
import random
import signal
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import mcpool
from gatewaykit.waiting import until
from mcpool.errors import CallOutcomeUnknown, ServerUnavailable
from mcpool.host import Host
from mcpool.launch.cookie import home_id
from mcpool.launch.process_table import HOST_COOKIE, scan
from mcpool.threads.thread import Thread
from soak.held import Held, grown, held
from support.lasting import Lasting
from support.real_servers import servers

CALLERS = 64
THREADS = 16
PATIENCE = 300.0
"""Seconds after which a call that has no outcome is lost, and the server with it: more than any wait between two
starts, also where the machine has other things to do."""

WARM_UP = 0.1
"""The share of the kills after which what the program holds is taken as its normal."""

TOLD = 250
"""Kills from one report to the next."""


@dataclass
class Toll:
    """What a soak found."""

    kills: int = 0
    calls: int = 0
    answered: int = 0
    unknown: int = 0
    """Writes that may have run, and whose callers were told so; and reads that lost two servers in a row."""
    not_run: int = 0
    """Calls that lost two servers in a row before they were sent, and whose callers were told so."""
    processes: int = 0
    wrong: list[str] = field(default_factory=list[str])
    """Each call that was lost, run twice, misrouted or misjudged; each process that was left; whatever grew."""
    before: Held | None = None
    after: Held | None = None

    def __str__(self) -> str:
        assert self.before is not None
        assert self.after is not None
        return (
            f"{self.kills:,} kills under {CALLERS} callers: {self.calls:,} calls, {self.answered:,} answered, "
            f"{self.unknown:,} of unknown outcome, {self.not_run:,} not run, {len(self.wrong)} wrong; "
            f"{self.processes:,} processes; held at first {self.before}; at last {self.after}"
        )


class Soak:
    """One run."""

    def __init__(self, folder: Path, kills: int, seed: int, say: Callable[[str], None]) -> None:
        self.lasting = Lasting(folder)
        self.toll = Toll()
        self._home = folder / "home"
        self._wanted = kills
        self._draw = random.Random(seed)
        self._say = say
        self._over = False
        self._outcomes = bytearray()
        """The letter of each call's outcome (see `_call`), a capital for a write."""
        self._answers = 0

    async def run(self) -> Toll:
        """Kill, call, and count."""
        entry = {**self.lasting.entry, "restart_max": 1_000_000, "restart_window_sec": 1, "tool_timeout_sec": PATIENCE}
        async with mcpool.open(servers(lasting=entry), home=self._home, grace=10.0) as host:
            threads = [host.thread() for _ in range(THREADS)]
            for thread in threads:
                await thread.__aenter__()
            await threads[0].ready()
            async with asyncio.TaskGroup() as tasks:
                for number in range(CALLERS):
                    tasks.create_task(self._calls(threads[number % THREADS], random.Random(number)))
                await self._kill_all(host)
                self._over = True
            for thread in threads:
                await thread.close()
        self._judge()
        self._look_for_processes()
        return self.toll

    async def _kill_all(self, host: Host) -> None:
        killed: int | None = None
        while self.toll.kills < self._wanted:
            pid = await self._next(host, killed)
            if self._draw.random() < 0.5:
                await self._is_answered()  # else it may still be starting, after which the next one has to wait
            await asyncio.sleep(self._draw.choice((0.0, 0.01, 0.1)) * self._draw.random())
            os.kill(pid, signal.SIGKILL)
            killed = pid
            self.toll.kills += 1
            if self.toll.kills == int(WARM_UP * self._wanted):
                self.toll.before = held()
            if self.toll.kills % TOLD == 0:
                self._say(f"{self.toll.kills:,} kills, {len(self._outcomes):,} calls; {held()}")
        await self._next(host, killed)
        self.toll.after = held()

    async def _next(self, host: Host, killed: int | None) -> int:
        """The process after the one that was killed."""

        def pid() -> int | None:
            return host.status()[0]["pid"]

        try:
            await until(lambda: pid() not in (None, killed), PATIENCE)
        except TimeoutError:
            raise AssertionError(f"no process after {self.toll.kills} kills: {host.status()}") from None
        found = pid()
        assert found is not None
        return found

    async def _is_answered(self) -> None:
        """Wait until somebody was."""
        before = self._answers
        await until(lambda: self._answers > before, PATIENCE)

    async def _calls(self, thread: Thread, draw: random.Random) -> None:
        while not self._over:
            number = len(self._outcomes)
            write = draw.random() < 0.5
            self._outcomes += b"?"
            outcome = await self._call(thread, "write" if write else "read", number)
            self._outcomes[number] = ord(outcome.upper() if write else outcome)
            await asyncio.sleep(0.03 * draw.random())

    async def _call(self, thread: Thread, tool: str, number: int) -> str:
        """Call once; returns the letter of the outcome: answered, unknown, not run or lost (x)."""
        try:
            async with asyncio.timeout(2 * PATIENCE), thread.step() as step:
                answer = (await step.call(f"mcp__lasting__{tool}", {"number": number})).for_model()
        except CallOutcomeUnknown:
            return "u"
        except ServerUnavailable:
            return "n"
        except Exception as error:
            self.toll.wrong.append(f"call {number} was lost: {error!r}")
            return "x"
        self._answers += 1
        if answer != str(number):
            self.toll.wrong.append(f"call {number} got the answer {answer!r}")
        return "a"

    def _judge(self) -> None:
        """Compare what callers were told with what the processes wrote down."""
        ran = Counter(int(words[2]) for words in self.lasting.lines("tools/call"))
        toll = self.toll
        for number, letter in enumerate(self._outcomes.decode()):
            times, write = ran[number], letter.isupper()
            match letter.lower():
                case "a":
                    toll.answered += 1
                    fits = times == 1 or (not write and times == 2)
                case "u":
                    toll.unknown += 1
                    fits = times <= (1 if write else 2)
                case "n":
                    toll.not_run += 1
                    fits = times == 0 or not write
                case _:
                    fits = True  # it is among the wrong already
            if not fits:
                toll.wrong.append(f"call {number} ({letter}) ran {times} times")
        toll.calls = len(self._outcomes)
        assert toll.before is not None
        assert toll.after is not None
        toll.wrong += grown(toll.before, toll.after)

    def _look_for_processes(self) -> None:
        """Servers, wardens and whatever they started: none may be left once the host is closed."""
        home = home_id(self._home)
        # By the mark that all of them carry: in a long run the system gives their numbers to others.
        left = {row.pid for row in scan() if (row.value(HOST_COOKIE) or "").startswith(home)}
        self.toll.processes = self.lasting.starts
        self.toll.wrong += [f"process {pid} was left" for pid in sorted(left)]

"""Sessions with an executor over sockets that are lost: both ends are the real ones, time and the machine are not."""

from __future__ import annotations

import asyncio
import json
import random
from typing import Any

import pytest

from mcpool.environments.exec_server.hosted_process import UNHEARD
from mcpool.environments.executor import Patience
from mcpool.environments.executor_files import ExecutorFiles
from mcpool.environments.executor_launcher import ExecutorLauncher
from mcpool.environments.executor_link import ExecutorLink
from mcpool.environments.states import State
from mcpool.errors import ServerUnavailable
from mcpool.launch.spec import LaunchSpec
from support.executors import GREETING, Client, MemorySocket, PeerOfOurs, simulated

SPEC = LaunchSpec("srv", ("serve",), (("A", "1"),), "/work", ("THERE",))


class Heard:
    """A sink that keeps everything."""

    def __init__(self) -> None:
        self.data = bytearray()
        self.exits: list[int | None] = []

    def on_bytes(self, data: bytes) -> None:
        self.data += data

    def on_eof(self) -> None:
        raise AssertionError("an executor does not tell of that")

    def on_exit(self, status: int | None) -> None:
        self.exits.append(status)


async def started(client: Client) -> tuple[ExecutorLink, Heard]:
    """A process there."""
    await client.until(State.READY)
    session = client.executor.session
    assert session is not None
    heard = Heard()
    link = await ExecutorLauncher(session, lambda server, lines: None).start(SPEC, heard)
    assert isinstance(link, ExecutorLink)
    return link, heard


@pytest.mark.parametrize("seed", range(40))
async def test_nothing_is_lost_doubled_or_reordered_however_often_sockets_are_lost(seed: int) -> None:
    chance = random.Random(seed)
    async with simulated() as (far, client):
        link, heard = await started(client)
        expected = bytearray()
        for number in range(chance.randrange(20, 60)):
            text = b"%d:" % number + b"x" * chance.randrange(40) + b"\n"
            expected += text
            link.write(text)
            await asyncio.sleep(chance.choice([0, 0, 0.001, 0.015, 0.04, 0.5]))
            if chance.random() < 0.3:
                far.drop()
        await asyncio.sleep(20)
        assert far.processes[0].read == expected
        assert heard.data == GREETING + expected
        assert (link.sent, link.buffered) == (len(expected), 0)
        far.processes[0].exit(3)
        if chance.random() < 0.5:
            far.drop()
        await asyncio.sleep(20)
        assert heard.exits == [3]


@pytest.mark.parametrize("seed", range(30))
async def test_a_start_whose_answer_is_lost_starts_one_process(seed: int) -> None:
    chance = random.Random(seed)
    async with simulated() as (far, client):
        await client.until(State.READY)
        starting = asyncio.create_task(started(client))
        for _ in range(chance.randrange(1, 4)):
            await asyncio.sleep(chance.choice([0, 0.005, 0.011, 0.02, 0.1]))
            far.drop()
        link, heard = await starting
        link.write(b"hello\n")
        await asyncio.sleep(5)
        assert heard.data == GREETING + b"hello\n"
        assert far.running == 1
    assert far.running == 0


async def test_the_session_is_lost_when_it_can_not_be_resumed_in_time() -> None:
    async with simulated(Patience(resume=5.0)) as (far, client):
        link, heard = await started(client)
        far.reachable = False
        far.drop()
        await asyncio.sleep(4)
        assert client.executor.state is State.RESUMING
        assert (heard.exits, link.alive) == ([], True)
        await client.until(State.DISCONNECTED)
        assert (heard.exits, link.alive) == ([None], False)
        assert "could not be resumed: nobody is there, for 5 s" in link.last_words()


async def test_a_session_resumed_keeps_its_handle_and_another_one_gets_another() -> None:
    async with simulated() as (far, client):
        await client.until(State.READY)
        before = client.executor.session
        far.drop()
        await client.until(State.RESUMING)
        await client.until(State.READY)
        assert client.executor.session is before
        far.restart()
        await client.until(State.DISCONNECTED)
        await client.until(State.READY)
        after = client.executor.session
        assert before is not None
        assert after is not None
        assert (before.handle, after.handle) == (1, 2)


async def test_an_executor_that_started_anew_is_not_waited_for() -> None:
    """It says that it does not know the session, which is final."""
    async with simulated() as (far, client):
        _, heard = await started(client)
        began = asyncio.get_running_loop().time()
        far.restart()
        await client.until(State.DISCONNECTED)
        assert asyncio.get_running_loop().time() - began < 1.0
        assert heard.exits == [None]


async def test_what_never_left_counts_as_unsent_when_the_executor_is_lost() -> None:
    """H4: it can be sent again elsewhere; what may have arrived can't."""
    async with simulated(Patience(resume=5.0)) as (far, client):
        link, _ = await started(client)
        link.write(b"first\n")
        await asyncio.sleep(0.005)
        link.write(b"second\n")
        far.reachable = False
        far.drop()
        await client.until(State.DISCONNECTED)
        assert link.sent == len(b"first\n")


async def test_what_a_process_may_have_read_before_it_ended_counts_as_sent() -> None:
    """No silent duplicate: the answer to the write is lost with the socket, and the process ends meanwhile."""
    async with simulated() as (far, client):
        link, heard = await started(client)
        await asyncio.sleep(1)
        link.write(b"first\n")
        await asyncio.sleep(0.015)
        assert far.processes[0].read == b"first\n"
        far.drop()
        far.processes[0].exit(1)
        await asyncio.sleep(5)
        assert (heard.exits, link.sent) == ([1], len(b"first\n"))


async def test_a_write_that_is_refused_when_it_is_repeated_may_have_been_taken_before() -> None:
    """Of an executor that looks whether the process lives first."""
    told: list[str] = []

    async def talk(socket: MemorySocket) -> None:
        while True:
            asked = json.loads(await socket.receive())
            told.append(asked["method"])
            if asked["method"] == "process/write" and told.count("process/write") == 1:
                socket.drop()
            result: dict[str, Any] = {
                "sessionId": "s",
                "environmentInfo": {},
                "processId": "p",
                "status": "stdinClosed",
            }
            if asked["method"] == "process/read":
                result |= {"chunks": [], "nextSeq": 1}
            if "id" in asked:
                await socket.send(json.dumps({"id": asked["id"], "result": result}).encode())

    client = Client(PeerOfOurs(talk))
    owner = asyncio.create_task(client.executor.own())
    link, _ = await started(client)
    link.write(b"first\n")
    await asyncio.sleep(5)
    assert told.count("process/write") == 2
    assert (link.sent, link.alive) == (len(b"first\n"), False)
    owner.cancel()
    await asyncio.wait([owner])


async def test_processes_end_when_their_client_does_not_come_back() -> None:
    async with simulated(Patience(resume=5.0)) as (far, client):
        await started(client)
        far.reachable = False
        far.drop()
        await asyncio.sleep(29)
        assert far.running == 1
        await asyncio.sleep(2)
        assert far.running == 0


async def test_a_process_that_nobody_hears_has_to_wait() -> None:
    async with simulated() as (far, client):
        _, heard = await started(client)
        (process,) = far.processes
        far.reachable = False
        far.drop()
        await asyncio.sleep(0.1)
        said = 0
        while not process.paused:
            process.say(b"x" * 65536)
            said += 65536
        assert said <= UNHEARD + 65536
        far.reachable = True
        await asyncio.sleep(10)
        assert not process.paused
        assert len(heard.data) == len(GREETING) + said


async def test_a_listener_that_stalls_is_given_up_in_time_and_tried_again() -> None:
    async with simulated(Patience(connect=2.0)) as (far, client):
        far.stalled = True
        await client.until(State.DISCONNECTED)
        assert client.executor.error == "no answer within 2 s"
        assert asyncio.get_running_loop().time() < 2.1
        far.stalled = False
        await client.until(State.READY)


async def test_waits_between_attempts_grow_up_to_a_cap() -> None:
    async with simulated() as (far, _):
        far.reachable = False
        await asyncio.sleep(600)
        assert 100 <= far.dials <= 140  # half of 10 s each, by this chance


async def test_a_process_is_not_started_where_the_session_is_gone() -> None:
    async with simulated() as (far, client):
        await client.until(State.READY)
        session = client.executor.session
        assert session is not None
        far.restart()
        await client.until(State.DISCONNECTED)
        with pytest.raises(ServerUnavailable, match="environment `box`: the connection was lost"):
            await ExecutorLauncher(session, lambda server, lines: None).start(SPEC, Heard())


async def test_a_start_that_nobody_waits_for_any_more_leaves_no_process() -> None:
    async with simulated() as (far, client):
        await client.until(State.READY)
        starting = asyncio.create_task(started(client))
        await asyncio.sleep(0.015)
        starting.cancel()
        await asyncio.sleep(1)
        assert far.running == 0


async def test_of_the_variables_there_only_those_asked_for_are_passed() -> None:
    async with simulated() as (far, client):
        await started(client)
        assert far.specs[0].env == (("A", "1"), ("HOME", "/home/there"))


async def test_removal_ends_what_runs_there_at_once() -> None:
    async with simulated() as (far, client):
        await started(client)
        assert far.running == 1
    assert far.running == 0


@pytest.mark.parametrize(
    "garbage",
    [
        b"no json",
        b"[" * 100_000,
        b"[]",
        b'{"method":"process/output","params":{"processId":5}}',
        b'{"method":"process/output","params":{"processId":"p","seq":1,"stream":"stdout","chunk":"%%%"}}',
    ],
)
async def test_an_executor_that_talks_nonsense_is_not_tried_in_a_rush(garbage: bytes) -> None:
    async def talk(socket: MemorySocket) -> None:
        await socket.receive()
        await socket.send(b'{"id":1,"result":{"sessionId":"s","environmentInfo":{}}}')
        await socket.send(garbage)

    far = PeerOfOurs(talk)
    client = Client(far)
    owner = asyncio.create_task(client.executor.own())
    await asyncio.sleep(60)
    owner.cancel()
    await asyncio.wait([owner])
    assert 20 <= far.dials <= 200


async def test_an_executor_that_talks_nonsense_when_it_is_resumed_is_tried_anew() -> None:
    async def talk(socket: MemorySocket) -> None:
        await socket.receive()
        if far.dials > 1:
            await socket.send(b'{"method":"process/output","params":{"processId":5}}')
        await socket.send(b'{"id":1,"result":{"sessionId":"s","environmentInfo":{}}}')
        if far.dials == 1:
            await asyncio.sleep(1)
            socket.drop()

    far = PeerOfOurs(talk)
    client = Client(far)
    owner = asyncio.create_task(client.executor.own())
    await client.until(State.RESUMING)
    await client.until(State.DISCONNECTED)
    assert "is not understood" in str(client.executor.error)
    await client.until(State.READY)
    owner.cancel()
    await asyncio.wait([owner])


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (b'{"id":1,"result":{}}', "it speaks another protocol"),
        (b'{"id":1,"error":{"code":-1,"message":"go away"}}', "go away"),
        (b"nonsense", "it sent what is no message of this protocol"),
        (b'{"id":7,"result":{}}', "no answer within 10 s"),
    ],
)
async def test_who_is_no_executor_is_disconnected_and_said(answer: bytes, said: str) -> None:
    async def talk(socket: MemorySocket) -> None:
        await socket.receive()
        await socket.send(answer)

    client = Client(PeerOfOurs(talk))
    owner = asyncio.create_task(client.executor.own())
    await client.until(State.DISCONNECTED)
    assert said in str(client.executor.error)
    owner.cancel()
    await asyncio.wait([owner])


async def test_what_nobody_waits_for_any_more_is_not_asked_again() -> None:
    asked: list[str] = []

    async def talk(socket: MemorySocket) -> None:
        while True:
            message = json.loads(await socket.receive())
            asked.append(message["method"])
            if message["method"] == "fs/getMetadata":
                socket.drop()
            result: dict[str, Any] = {"sessionId": "s", "environmentInfo": {}}
            await socket.send(json.dumps({"id": message.get("id"), "result": result}).encode())

    client = Client(PeerOfOurs(talk))
    owner = asyncio.create_task(client.executor.own())
    await client.until(State.READY)
    session = client.executor.session
    assert session is not None
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(3):
            await ExecutorFiles(lambda: session).kind("/file")
    before = asked.count("fs/getMetadata")
    await asyncio.sleep(10)
    assert before > 1
    assert asked.count("fs/getMetadata") == before
    owner.cancel()
    await asyncio.wait([owner])


async def test_who_fails_to_hear_one_process_loses_no_other() -> None:
    class Deaf(Heard):
        def on_bytes(self, data: bytes) -> None:
            raise ValueError("deaf")

    complaints: list[str] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context["message"]))
    async with simulated() as (far, client):
        link, heard = await started(client)
        session = client.executor.session
        assert session is not None
        deaf = Deaf()
        await ExecutorLauncher(session, lambda server, lines: None).start(SPEC, deaf)
        await asyncio.sleep(1)
        link.write(b"hello\n")
        await asyncio.sleep(1)
        assert (deaf.exits, far.running) == ([None], 1)
        assert heard.data == GREETING + b"hello\n"
    assert complaints == ["the sink of `srv` failed at what it said"]

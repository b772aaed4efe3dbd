"""Publication of runtimes: what is resolved, what is built, and what becomes of it (invariants 3 and 4)."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import cast

import pytest

from mcpool.catalog.connector import Connector
from mcpool.config.server import ServerConfig, Stdio
from mcpool.errors import ServerUnavailable
from mcpool.pool.lease import Lease
from mcpool.runtime.approval import Authority
from mcpool.runtime.building import build
from mcpool.runtime.policy import Policy
from mcpool.runtime.projected import Projected
from mcpool.runtime.runtime import Runtime
from mcpool.runtime.slot import RuntimeSlot


@dataclass(frozen=True)
class Servers:
    """A projection that is equal to another one of the same state."""

    state: str
    servers: Sequence[ServerConfig] = (ServerConfig("s", Stdio("x")),)
    restriction: None = None
    connectors: Sequence[Connector] = ()
    plugins: Mapping[str, str] = field(default_factory=dict[str, str])
    chosen: Collection[str] = ()
    absent: Mapping[str, str] = field(default_factory=dict[str, str])


class Leased:
    """A lease that remembers its release."""

    def __init__(self, backend: object) -> None:
        self.backend = backend
        self.released = 0
        self.outdated = False

    def outdate(self) -> None:
        self.outdated = True

    def release(self) -> None:
        self.released += 1


class Subject:
    """A slot, what it may have, and what it did."""

    def __init__(self) -> None:
        self.state = "A"
        self.backend = "one"
        self.policy = Policy()
        self.resolved: list[str] = []
        self.resolving = asyncio.Event()
        self.published: list[Runtime] = []
        self.leases: list[Leased] = []
        self.held: asyncio.Event | None = None
        self.fails: Exception | None = None
        self.slot = RuntimeSlot(self._resolve, self._build, self.published.append)

    async def _resolve(self) -> Projected:
        state = self.state
        self.resolved.append(state)
        self.resolving.set()
        if self.held is not None:
            await self.held.wait()
        if self.fails is not None:
            raise self.fails
        return Servers(state)

    def _build(self, projected: Projected) -> Runtime:
        return build(len(self.published) + 1, projected, self.policy, self._acquire)

    def _acquire(self, server: ServerConfig) -> Lease:
        lease = Leased(self.backend)
        self.leases.append(lease)
        return cast("Lease", lease)

    def change(self, state: str) -> None:
        self.state = state
        self.slot.mark()

    async def blocked(self) -> asyncio.Task[None]:
        """A refresh that has begun to resolve, and waits there."""
        self.held = asyncio.Event()
        task = asyncio.create_task(self.slot.refresh())
        await self.resolving.wait()
        return task

    @property
    def current(self) -> Runtime:
        assert self.slot.current is not None
        return self.slot.current


@pytest.fixture
def subject() -> Subject:
    return Subject()


async def test_it_is_empty_until_the_first_refresh(subject: Subject) -> None:
    assert subject.slot.current is None
    await subject.slot.refresh()
    assert subject.published == [subject.current]


async def test_nothing_is_resolved_where_nothing_changed(subject: Subject) -> None:
    for _ in range(3):
        await subject.slot.refresh()
    assert subject.resolved == ["A"]


async def test_readers_see_the_old_one_until_the_new_one_is_whole(subject: Subject) -> None:
    """S3"""
    await subject.slot.refresh()
    before, subject.held = subject.current, asyncio.Event()
    subject.change("B")
    refreshing = asyncio.create_task(subject.slot.refresh())
    await asyncio.sleep(0)
    assert subject.resolved == ["A", "B"]
    assert subject.current is before
    subject.held.set()
    await refreshing
    assert subject.current is not before


async def test_of_changes_while_one_is_resolved_only_the_last_is_built(subject: Subject) -> None:
    """Invariant 3: A, B and C, where B and C come during A, are A and C."""
    first = await subject.blocked()
    later: list[asyncio.Task[None]] = []
    for state in "BC":
        subject.change(state)
        later.append(asyncio.create_task(subject.slot.refresh()))
    await asyncio.sleep(0)
    assert subject.held is not None
    subject.held.set()
    await asyncio.gather(first, *later)
    assert subject.resolved == ["A", "C"]


async def test_a_storm_of_changes_builds_the_first_and_the_last(subject: Subject) -> None:
    first = await subject.blocked()
    tasks = [first]
    for number in range(100):
        subject.change(str(number))
        tasks.append(asyncio.create_task(subject.slot.refresh()))
        await asyncio.sleep(0)
    assert subject.held is not None
    subject.held.set()
    await asyncio.gather(*tasks)
    assert subject.resolved == ["A", "99"]
    assert len(subject.published) == 2
    assert [lease.released for lease in subject.leases] == [1, 0]


async def test_who_wants_what_is_there_already_does_not_wait_for_later_changes(subject: Subject) -> None:
    first = await subject.blocked()
    assert subject.held is not None
    subject.held.set()
    subject.change("B")
    await first
    assert subject.slot.dirty


async def test_a_cancelled_refresh_stays_pending(subject: Subject) -> None:
    """Scenario R13."""
    first = await subject.blocked()
    first.cancel()
    await asyncio.wait([first])
    assert subject.slot.dirty
    assert subject.published == []
    subject.held = None
    await subject.slot.refresh()
    assert not subject.slot.dirty


async def test_one_waiter_that_is_cancelled_does_not_cost_the_others_their_refresh(subject: Subject) -> None:
    first = await subject.blocked()
    other = asyncio.create_task(subject.slot.refresh())
    await asyncio.sleep(0)
    first.cancel()
    assert subject.held is not None
    subject.held.set()
    await other
    assert len(subject.published) == 1


async def test_a_refresh_that_fails_is_told_and_stays_pending(subject: Subject) -> None:
    await subject.slot.refresh()
    before, subject.fails = subject.current, ServerUnavailable("s", "no")
    subject.change("B")
    with pytest.raises(ServerUnavailable):
        await subject.slot.refresh()
    assert subject.current is before
    assert subject.slot.dirty
    subject.fails = None
    await subject.slot.refresh()
    assert subject.current is not before


async def test_equal_ones_keep_the_very_same_runtime_and_the_candidate_had_no_effect(subject: Subject) -> None:
    """U5"""
    await subject.slot.refresh()
    before = subject.current
    subject.change("A")
    await subject.slot.refresh()
    assert subject.current is before
    assert subject.published == [before]
    assert [lease.released for lease in subject.leases] == [0, 1]


@pytest.mark.parametrize("what", ["projection", "backend", "policy"])
async def test_whatever_a_step_would_notice_is_a_new_runtime(subject: Subject, what: str) -> None:
    """U2: the projection alone is enough, though every server is the same (its owner changed, say)."""
    await subject.slot.refresh()
    before = subject.current
    match what:
        case "projection":
            subject.state = "B"
        case "backend":
            subject.backend = "two"
        case _:
            subject.policy = Policy(Authority(default_mode="prompt"))
    subject.slot.mark()
    await subject.slot.refresh()
    assert subject.current is not before


async def test_the_current_one_keeps_its_leases_without_any_step(subject: Subject) -> None:
    await subject.slot.refresh()
    subject.current.pin()
    subject.current.unpin()
    assert subject.leases[0].released == 0


async def test_a_replaced_one_goes_with_its_last_pin(subject: Subject) -> None:
    """S4"""
    await subject.slot.refresh()
    made = subject.current
    made.pin()
    made.pin()
    subject.change("B")
    await subject.slot.refresh()
    assert subject.slot.pins == 2
    made.unpin()
    assert subject.leases[0].released == 0
    made.unpin()
    assert subject.leases[0].released == 1
    assert subject.slot.pins == 0


@pytest.mark.parametrize(("backend", "outdated"), [("one", False), ("two", True)])
async def test_a_lease_that_its_successor_has_no_more_is_given_back_as_outdated(
    subject: Subject, backend: str, outdated: bool
) -> None:
    await subject.slot.refresh()
    subject.backend = backend
    subject.change("B")
    await subject.slot.refresh()
    assert [(lease.outdated, lease.released) for lease in subject.leases] == [(outdated, 1), (False, 0)]


async def test_a_closed_slot_lets_go_and_publishes_nothing(subject: Subject) -> None:
    await subject.slot.refresh()
    subject.change("B")
    subject.slot.close()
    await subject.slot.refresh()
    assert subject.slot.current is None
    assert [lease.released for lease in subject.leases] == [1]


async def test_one_that_is_closed_while_it_resolves_leases_nothing(subject: Subject) -> None:
    first = await subject.blocked()
    subject.slot.close()
    assert subject.held is not None
    subject.held.set()
    await first
    assert subject.leases == []


async def test_an_opened_slot_resolves_anew(subject: Subject) -> None:
    await subject.slot.refresh()
    subject.slot.close()
    subject.slot.open()
    await subject.slot.refresh()
    assert subject.resolved == ["A", "A"]
    assert subject.slot.current is not None


def test_a_runtime_says_what_has_become_of_it(subject: Subject) -> None:
    made = Runtime(1, Servers("A"), {}, {}, Policy())
    made.pin()
    assert "1 pins, current" in repr(made)
    made.replace()
    assert "replaced" in repr(made)
    made.unpin()
    assert "released" in repr(made)


def test_what_cannot_be_leased_is_named_with_the_reason() -> None:
    def acquire(server: ServerConfig) -> Lease:
        raise ServerUnavailable(server.name, "no such thing")

    assert build(1, Servers("A"), Policy(), acquire).unavailable == {"s": "no such thing"}


def test_leases_are_given_back_when_building_breaks_off() -> None:
    leases: list[Leased] = []

    def acquire(server: ServerConfig) -> Lease:
        if leases:
            raise ValueError
        leases.append(Leased("one"))
        return cast("Lease", leases[0])

    both = Servers("A", tuple(ServerConfig(name, Stdio("x")) for name in "ab"))
    with pytest.raises(ValueError):  # noqa: PT011 - whatever it is
        build(1, both, Policy(), acquire)
    assert leases[0].released == 1

"""Publication of runtimes, and how long they live."""

from __future__ import annotations

from typing import cast

import pytest

from mcpool.config.server import ServerConfig, Stdio
from mcpool.pool.lease import Lease
from mcpool.runtime.policy import Policy
from mcpool.runtime.runtime import Binding, Runtime
from mcpool.runtime.slot import RuntimeSlot
from mcpool.runtime.view import view_of

SERVER = ServerConfig("s", Stdio("x"))


class Leased:
    """A lease that remembers its release."""

    released = 0

    def release(self) -> None:
        self.released += 1


@pytest.fixture
def lease() -> Leased:
    return Leased()


def runtime(lease: Leased) -> Runtime:
    return Runtime(1, {"s": Binding(SERVER, view_of(SERVER), cast("Lease", lease))}, {}, Policy())


def test_readers_see_the_last_one_that_was_published(lease: Leased) -> None:
    """S3"""
    slot, first, second = RuntimeSlot(), runtime(lease), runtime(Leased())
    assert slot.current is None
    for made in (first, second):
        slot.publish(made)
        assert slot.current is made


def test_the_current_one_keeps_its_leases_without_any_step(lease: Leased) -> None:
    made = runtime(lease)
    RuntimeSlot().publish(made)
    made.pin()
    made.unpin()
    assert lease.released == 0


def test_a_replaced_one_goes_at_once_if_nobody_holds_it(lease: Leased) -> None:
    slot = RuntimeSlot()
    slot.publish(runtime(lease))
    slot.publish(None)
    assert lease.released == 1


def test_a_replaced_one_goes_with_its_last_pin(lease: Leased) -> None:
    """S4"""
    slot, made = RuntimeSlot(), runtime(lease)
    slot.publish(made)
    made.pin()
    made.pin()
    slot.publish(None)
    made.unpin()
    assert lease.released == 0
    made.unpin()
    assert lease.released == 1


def test_it_says_what_has_become_of_it(lease: Leased) -> None:
    made = runtime(lease)
    made.pin()
    assert "1 pins, current" in repr(made)
    made.replace()
    assert "replaced" in repr(made)
    made.unpin()
    assert "released" in repr(made)

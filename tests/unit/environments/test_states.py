"""The life of a connection to an executor, as data."""

from __future__ import annotations

import pytest

from mcpool.environments.states import Event, State, after, live, shown


def test_every_state_can_be_removed() -> None:
    assert {after(state, Event.REMOVED) for state in State} == {State.REMOVED}


def test_a_lost_socket_is_not_a_lost_session() -> None:
    resuming = after(State.READY, Event.DROPPED)
    assert (live(resuming), shown(resuming)) == (True, "pending")
    assert after(resuming, Event.RESUMED) is State.READY
    assert after(resuming, Event.EXPIRED) is State.DISCONNECTED


def test_what_was_never_reached_is_pending_until_the_first_attempt_failed() -> None:
    assert shown(State.PENDING) == "pending"
    assert shown(after(State.PENDING, Event.FAILED)) == "disconnected"


@pytest.mark.parametrize(
    ("state", "event"),
    [(State.PENDING, Event.DROPPED), (State.READY, Event.OPENED), (State.DISCONNECTED, Event.RESUMED)],
)
def test_what_can_not_happen_is_a_defect(state: State, event: Event) -> None:
    with pytest.raises(LookupError, match="cannot be"):
        after(state, event)

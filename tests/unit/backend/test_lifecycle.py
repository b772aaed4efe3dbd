"""The life of a backend, as a table."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcpool.backend.lifecycle import TRANSITIONS, Event, State, after

RUNNING = {State.CONNECTING, State.READY, State.RECONNECTING, State.STOPPING}


def story(*events: Event) -> State:
    state = State.IDLE
    for event in events:
        state = after(state, event)
    return state


@pytest.mark.parametrize(
    ("events", "state"),
    [
        ((Event.WANTED,), State.CONNECTING),
        ((Event.WANTED, Event.CONNECTED), State.READY),
        ((Event.WANTED, Event.CONNECTED, Event.LOST), State.DISCONNECTED),
        ((Event.WANTED, Event.CONNECTED, Event.LOST, Event.WANTED), State.RECONNECTING),
        ((Event.WANTED, Event.CONNECTED, Event.LOST, Event.WANTED, Event.CONNECTED), State.READY),
        ((Event.WANTED, Event.CONNECT_FAILED), State.FAILED),
        ((Event.WANTED, Event.CONNECT_FAILED, Event.WANTED, Event.CONNECTED), State.READY),
        ((Event.WANTED, Event.REFUSED), State.AUTH_REQUIRED),
        ((Event.WANTED, Event.CONNECTED, Event.UNUSED), State.IDLE),
        ((Event.WANTED, Event.CONNECTED, Event.RETIRED, Event.ENDED), State.STOPPED),
        ((Event.RETIRED,), State.STOPPED),
    ],
)
def test_a_life_goes_as_the_design_says(events: tuple[Event, ...], state: State) -> None:
    """H2"""
    assert story(*events) is state


def test_what_cannot_happen_is_an_error_that_names_both() -> None:
    with pytest.raises(LookupError, match="idle cannot be connected"):
        after(State.IDLE, Event.CONNECTED)


@pytest.mark.parametrize("state", State)
def test_from_every_state_it_can_be_retired_and_left_alone(state: State) -> None:
    assert after(state, Event.RETIRED) in (State.STOPPING, State.STOPPED)
    assert after(state, Event.UNUSED) in (State.IDLE, State.STOPPING, State.STOPPED)


@pytest.mark.parametrize("state", [state for state in State if state not in (State.STOPPING, State.STOPPED)])
def test_whatever_is_not_ending_can_be_wanted(state: State) -> None:
    assert after(state, Event.WANTED) in (State.CONNECTING, State.RECONNECTING, State.READY)


@given(st.lists(st.sampled_from(Event)))
def test_no_history_brings_a_retired_backend_back(events: list[Event]) -> None:
    state = after(State.READY, Event.RETIRED)
    for event in events:
        if (state, event) in TRANSITIONS:
            state = after(state, event)
            assert state in (State.STOPPING, State.STOPPED)


@given(st.lists(st.sampled_from(Event)))
def test_in_every_history_it_is_ready_only_through_a_connection(events: list[Event]) -> None:
    state = State.IDLE
    for event in events:
        if (state, event) not in TRANSITIONS:
            continue
        before, state = state, after(state, event)
        if state is State.READY and before is not State.READY:
            assert event is Event.CONNECTED
            assert before in (State.CONNECTING, State.RECONNECTING)
        if state in (State.CONNECTING, State.RECONNECTING) and before not in RUNNING:
            assert event is Event.WANTED

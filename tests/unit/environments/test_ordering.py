"""The events of a process, in order and each once, whatever is lost on the way."""

from __future__ import annotations

import random

import pytest

from mcpool.environments.ordering import End, Event, Exit, Ordering, OutputLost, Piece
from mcpool.environments.protocol import Chunk, Events


def told(events: dict[int, Event], after: int = 0) -> Events:
    """What an executor answers that keeps everything."""
    chunks = [Chunk(n, event.stream, event.data) for n, event in events.items() if isinstance(event, Piece)]
    exits = [event.status for event in events.values() if isinstance(event, Exit)]
    return Events(
        tuple(chunk for chunk in chunks if chunk.seq > after),
        max(events) + 1,
        exited=bool(exits),
        exit_code=exits[0] if exits else None,
        closed=any(isinstance(event, End) for event in events.values()),
    )


def life(chance: random.Random) -> dict[int, Event]:
    """Everything that one process does: it may exit before its last output comes."""
    pieces: list[Event] = [Piece("stdout", bytes([n])) for n in range(chance.randrange(1, 12))]
    pieces.insert(chance.randrange(len(pieces) + 1), Exit(7))
    return dict(enumerate([*pieces, End()], 1))


@pytest.mark.parametrize("seed", range(200))
def test_whatever_is_lost_and_asked_for_the_events_come_in_order_and_once(seed: int) -> None:
    chance = random.Random(seed)
    events = life(chance)
    ordering, given = Ordering(), list[Event]()
    reached = 0
    while reached < len(events):
        reached = chance.randrange(reached, len(events)) + 1
        announced = [n for n in range(1, reached + 1) if chance.random() < 0.6]
        chance.shuffle(announced)
        for number in announced:
            given += ordering.take(number, events[number])
        given += ordering.recover(told({n: events[n] for n in range(1, reached + 1)}, ordering.last))

    assert given == list(events.values())


def test_output_that_is_no_longer_kept_is_a_loss() -> None:
    ordering = Ordering()
    with pytest.raises(OutputLost):
        ordering.recover(Events((Chunk(3, "stdout", b"c"),), 4))


def test_a_number_far_ahead_is_a_loss_and_costs_nothing() -> None:
    with pytest.raises(OutputLost):
        Ordering().recover(Events((), 2**62))


@pytest.mark.parametrize("data", [b"x" * 100, b""])
def test_what_waits_for_what_never_comes_is_bounded(data: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mcpool.environments.ordering.MOST_AHEAD", 10_000)
    ordering = Ordering()

    def never_the_first() -> None:
        for seq in range(2, 1000):
            ordering.take(seq, Piece("stdout", data))

    with pytest.raises(OutputLost):
        never_the_first()

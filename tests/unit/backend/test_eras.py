"""What is remembered of the era that a server speaks."""

from __future__ import annotations

from mcpool.backend.eras import REMEMBERED, Eras


def test_the_last_answer_counts_until_it_is_forgotten() -> None:
    eras = Eras()
    eras.learn("server", "handshake")
    eras.learn("server", "modern")
    assert eras.of("server") == "modern"
    eras.forget("server")
    assert eras.of("server") is None


def test_of_too_many_identities_those_that_answered_longest_ago_are_forgotten() -> None:
    eras = Eras()
    for number in range(REMEMBERED):
        eras.learn(number, "modern")
    eras.learn(0, "modern")
    eras.learn("one more", "modern")
    assert len(eras) == REMEMBERED
    assert (eras.of(0), eras.of(1), eras.of("one more")) == ("modern", None, "modern")

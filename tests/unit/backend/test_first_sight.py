"""The grace that all who want to see a server share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from mcpool.backend.first_sight import LOOK, MOST, SIGN, Linked, Signs, Window


def test_all_share_it_from_the_first_that_asked() -> None:
    window = Window()
    assert window.left(10.0, 1.0) == 1.0
    assert window.left(10.75, 1.0) == 0.25
    assert window.left(12.0, 1.0) == 0.0


def test_a_sign_of_life_begins_it_again_though_not_for_ever() -> None:
    window = Window()
    window.left(0.0, 1.0)
    for tenth in range(1, 1000):
        window.extend(tenth / 10, 1.0)
    assert window.left(MOST, 1.0) == 0.0


def test_one_that_is_over_stays_over_until_it_is_closed() -> None:
    window = Window()
    window.left(0.0, 1.0)
    assert window.left(100.0, 1.0) == 0.0
    window.close()
    assert window.left(100.0, 1.0) == 1.0


def test_it_is_over_when_what_is_left_is_no_more_than_a_rounding_error() -> None:
    window = Window()
    window.left(0.1, 1.0)
    assert window.left(0.1 + 1.0 - 5e-16, 1.0) == 0.0


def test_without_any_grace_no_sign_gives_some() -> None:
    window = Window()
    window.left(0.0, 0.0)
    window.extend(0.0, 0.0)
    assert window.left(0.0, 0.0) == 0.0


@dataclass
class Worker:
    done: int = 0
    looks: int = 0

    def work_done(self) -> int:
        self.looks += 1
        return self.done


@dataclass
class Process:
    link: object = None


def signs_of(link: object) -> Signs:
    signs = Signs()
    signs.newest = cast("Linked", Process(link))
    return signs


def test_work_since_the_last_look_is_a_sign() -> None:
    worker = Worker()
    signs = signs_of(worker)
    seen: list[bool] = []
    for number, done in enumerate([SIGN, SIGN * 2, SIGN * 2, SIGN * 3 - 1], 1):
        worker.done = done
        seen.append(signs.look(number * LOOK))
    assert seen == [True, True, False, False]


def test_it_looks_seldom_however_many_ask() -> None:
    worker = Worker(done=SIGN)
    signs = signs_of(worker)
    assert {signs.look(LOOK) for _ in range(100)} == {True}
    assert worker.looks == 1


def test_a_start_that_keeps_us_busy_is_not_the_servers_fault() -> None:
    signs = signs_of(None)
    assert signs.look(LOOK)
    assert signs.look(LOOK * 2)


def test_what_has_no_process_of_ours_gives_no_sign() -> None:
    assert not Signs().look(LOOK)
    assert not signs_of(object()).look(LOOK)

"""The loop that simulations run on."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest

from support.virtual_time import NothingWillHappen, TimeStandsStill, VirtualTimeLoop


def run(work: Coroutine[Any, Any, object]) -> None:
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        runner.run(work)


async def nothing_happens() -> None:
    await asyncio.get_running_loop().create_future()


async def goes_round_in_circles() -> None:
    loop = asyncio.get_running_loop()

    done = loop.create_future()

    def again() -> None:
        if not done.done():
            loop.call_soon(again)

    again()
    await done


def test_a_simulation_in_which_nothing_can_happen_any_more_fails() -> None:
    with pytest.raises(NothingWillHappen):
        run(nothing_happens())


def test_a_simulation_whose_time_stands_still_fails() -> None:
    with pytest.raises(TimeStandsStill):
        run(goes_round_in_circles())

"""One timer for many deadlines."""

from __future__ import annotations

import asyncio

from mcpool.gateway.ticker import Ticker


class Item:
    def __init__(self, ticks: int) -> None:
        self.left = ticks
        self.done = asyncio.Event()

    def on_tick(self, age: float) -> bool:
        assert age >= 0
        self.left -= 1
        if self.left <= 0:
            self.done.set()
        return self.left > 0


async def test_item_is_ticked_until_it_has_no_deadline_left() -> None:
    ticker = Ticker(0.001)
    items = [Item(1), Item(3)]
    for item in items:
        ticker.add(item)
    async with asyncio.timeout(60):
        for item in items:
            await item.done.wait()
    assert len(ticker) == 0


async def test_discarded_item_is_not_ticked() -> None:
    ticker = Ticker(0.001)
    gone, there = Item(1), Item(1)
    ticker.add(gone)
    ticker.add(there)
    ticker.discard(gone)
    async with asyncio.timeout(60):
        await there.done.wait()
    assert not gone.done.is_set()
    ticker.discard(gone)


async def test_closed_ticker_stands_still() -> None:
    ticker = Ticker(0.001)
    item = Item(1)
    ticker.add(item)
    ticker.close()
    await asyncio.sleep(0.01)
    assert not item.done.is_set()

"""The door to a host's event loop, in the moment when that loop ends."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Generator

import pytest

from mcpool.errors import Closed
from mcpool.host import portal as portal_module
from mcpool.host.portal import Portal


class EndingLoop(asyncio.SelectorEventLoop):
    """Takes what is handed to it, and is closed before it begins with it."""

    def call_soon_threadsafe(self, *args: object, **kwargs: object) -> asyncio.Handle:
        self.close()
        return asyncio.Handle(lambda: None, (), self)


async def work() -> None: ...


@pytest.fixture
def portal(monkeypatch: pytest.MonkeyPatch) -> Generator[Portal]:
    monkeypatch.setattr(portal_module, "LOOK_EVERY", 0.01)
    loop = EndingLoop()
    yield Portal(loop)
    loop.close()


def blocking(portal: Portal) -> None:
    portal.call(work)


def from_another_loop(portal: Portal) -> None:
    asyncio.run(portal.acall(work))


@pytest.mark.filterwarnings("ignore:coroutine 'work' was never awaited:RuntimeWarning")
@pytest.mark.parametrize("use", [blocking, from_another_loop])
def test_nobody_waits_for_a_loop_that_is_gone(portal: Portal, use: Callable[[Portal], None]) -> None:
    with pytest.raises(Closed):
        use(portal)

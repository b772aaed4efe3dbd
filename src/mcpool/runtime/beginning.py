"""A step that is about to begin."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Generator
from types import TracebackType
from typing import Any

from mcpool.runtime.step import Step


class Beginning:
    """`async with` it, and the step ends with the block; or `await` it, and `release()` the step by yourself."""

    __slots__ = ("_begin", "_step")

    def __init__(self, begin: Callable[[], Coroutine[Any, Any, Step]]) -> None:
        self._begin = begin
        self._step: Step | None = None

    def __await__(self) -> Generator[Any, None, Step]:
        return self._begin().__await__()

    async def __aenter__(self) -> Step:
        self._step = await self._begin()
        return self._step

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._step is not None:
            self._step.release()

"""One daemon per home."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mcpool.errors import DaemonError
from mcpool.gateway.home_lock import HomeLock, await_unlocked


def test_the_second_is_told_who_holds_it_and_what_to_do(tmp_path: Path) -> None:
    with (
        HomeLock.take(tmp_path, timeout=0),
        pytest.raises(DaemonError, match=rf"pid {os.getpid()}\).*`kill -9 {os.getpid()}`"),
    ):
        HomeLock.take(tmp_path, timeout=0)


def test_given_up_it_can_be_taken_again(tmp_path: Path) -> None:
    HomeLock.take(tmp_path, timeout=0).close()
    HomeLock.take(tmp_path, timeout=0).close()


def test_an_unlocked_home_is_not_waited_for(tmp_path: Path) -> None:
    await_unlocked(tmp_path, timeout=0)


def test_a_locked_one_is_waited_for_in_vain(tmp_path: Path) -> None:
    with HomeLock.take(tmp_path, timeout=0), pytest.raises(DaemonError):
        await_unlocked(tmp_path, timeout=0)

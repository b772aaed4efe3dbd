"""What may become of a thread."""

from __future__ import annotations

import pytest

from mcpool.threads.life import WHY_NOT, Life, LifeEvent, after


def test_an_archived_thread_is_unarchived_before_it_is_resumed() -> None:
    assert after(Life.ARCHIVED, LifeEvent.RESUME) is None
    assert after(Life.ARCHIVED, LifeEvent.UNARCHIVE) is Life.UNLOADED
    assert after(Life.UNLOADED, LifeEvent.RESUME) is Life.LOADED


def test_unloading_does_not_unarchive() -> None:
    assert after(Life.ARCHIVED, LifeEvent.UNLOAD) is None


@pytest.mark.parametrize("life", Life)
def test_every_thread_can_be_closed(life: Life) -> None:
    assert after(life, LifeEvent.CLOSE) is Life.CLOSED


@pytest.mark.parametrize("event", [event for event in LifeEvent if event is not LifeEvent.CLOSE])
def test_what_is_closed_is_gone_for_good(event: LifeEvent) -> None:
    assert after(Life.CLOSED, event) is None


@pytest.mark.parametrize("life", [life for life in Life if life is not Life.LOADED])
def test_who_cannot_use_a_thread_is_told_what_to_do(life: Life) -> None:
    assert "`host.thread" in WHY_NOT[life]

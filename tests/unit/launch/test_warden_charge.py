"""What the warden makes of what it is told."""

from __future__ import annotations

import os

from mcpool.launch.warden import Charge


def test_groups_are_watched_until_they_are_gone() -> None:
    """With the start of the leader."""
    charge = Charge("home.host")
    charge.hear(b"watch %d" % os.getpid())
    charge.hear(b"watch 999999999")
    started = charge.groups[os.getpid()]
    charge.hear(b"unwatch %d" % os.getpid())
    charge.hear(b"unwatch 7")

    assert started > 0
    assert charge.groups == {999999999: 0}


def test_container_programs_keep_their_arguments() -> None:
    """Spaces and all."""
    charge = Charge("home.host")
    charge.hear(b"container /usr/bin/docker\x1f--context\x1ffar away")

    assert charge.containers == {("/usr/bin/docker", "--context", "far away")}


def test_good_bye_dismisses() -> None:
    """Nothing else does."""
    charge = Charge("home.host")
    for line in (b"", b"watch", b"watch x", b"byebye", b"container"):
        charge.hear(line)
    before = charge.dismissed
    charge.hear(b"bye")

    assert (before, charge.dismissed) == (False, True)


def test_group_whose_number_was_reused_is_nobodys_business() -> None:
    """The leader's start tells."""
    charge = Charge("home.host")
    charge.groups[os.getppid()] = 1

    assert charge.find(set(), 0) == []


def test_empty_cookie_matches_nothing() -> None:
    """A warden without one ends groups alone."""
    assert Charge("").find(set(), 0) == []

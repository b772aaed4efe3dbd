"""Who may share a backend."""

from __future__ import annotations

from mcpool.catalog.identity import StdioIdentity
from mcpool.config.server import Scope
from mcpool.pool.sharing import key_of

HERE = StdioIdentity("server", (), (), "/a")


def shares(scope: Scope, *members: tuple[str, str]) -> bool:
    """Whether these (thread, root) have one key."""
    return len({key_of(HERE, scope, thread=thread, root=root) for thread, root in members}) == 1


def test_shared_is_for_everybody() -> None:
    assert shares("shared", ("a", "a"), ("b", "b"))


def test_a_session_tree_is_for_a_thread_and_its_sub_agents() -> None:
    assert shares("session-tree", ("a", "a"), ("b", "a"), ("c", "a"))
    assert not shares("session-tree", ("a", "a"), ("b", "b"))


def test_thread_is_for_one_thread() -> None:
    assert not shares("thread", ("a", "a"), ("b", "a"))


def test_a_thread_and_a_tree_of_one_name_are_not_mixed_up() -> None:
    assert key_of(HERE, "thread", thread="a", root="a") != key_of(HERE, "session-tree", thread="a", root="a")


def test_another_identity_is_another_key() -> None:
    there = StdioIdentity("server", (), (), "/b")
    assert key_of(HERE, "shared", thread="a", root="a") != key_of(there, "shared", thread="a", root="a")

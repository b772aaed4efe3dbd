"""Session ids: what is sealed comes back, what is not ours does not."""

from __future__ import annotations

import base64

from hypothesis import given
from hypothesis import strategies as st

from mcpool.gateway.session_id import new_ticket, seal, unseal

KEY = b"k" * 32
ID = seal(new_ticket(b"nonce", "me", "one", "2025-11-25", b'{"roots":{}}'), KEY)


@given(st.text(), st.none() | st.text(), st.text())
def test_ticket_comes_back_as_it_was(principal: str, route: str | None, revision: str) -> None:
    ticket = new_ticket(b"123456789", principal, route, revision, b'{"a":{}}')
    opened = unseal(seal(ticket, KEY), KEY)
    assert opened is not None
    assert (opened.principal, opened.route, opened.revision) == (principal, route, revision)
    assert bytes(opened.capabilities) == b'{"a":{}}'


def test_id_is_visible_ascii() -> None:
    assert all(0x21 <= byte <= 0x7E for byte in ID)


def test_two_sessions_of_one_client_have_two_ids() -> None:
    assert seal(new_ticket(b"1", "me", None, "r", b"{}"), KEY) != seal(new_ticket(b"2", "me", None, "r", b"{}"), KEY)


@given(st.integers(0, len(ID) - 1), st.integers(1, 255))
def test_changed_id_is_none_of_ours(position: int, change: int) -> None:
    changed = bytearray(ID)
    changed[position] ^= change
    opened = unseal(bytes(changed), KEY)
    # The last character carries bits that stand for nothing.
    assert opened is None or position == len(ID) - 1


@given(st.binary())
def test_anything_else_is_none_of_ours(value: bytes) -> None:
    assert unseal(value, KEY) is None
    assert unseal(base64.urlsafe_b64encode(value), KEY) is None


def test_id_of_another_home_is_none_of_ours() -> None:
    assert unseal(ID, b"x" * 32) is None


def test_capabilities_too_large_to_carry_are_left_out() -> None:
    id_ = seal(new_ticket(b"n", "me", None, "r", b'{"x":"%b"}' % (b"y" * 10_000)), KEY)
    opened = unseal(id_, KEY)
    assert opened is not None
    assert bytes(opened.capabilities) == b"{}"
    assert len(id_) < 1000

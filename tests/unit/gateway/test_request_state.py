"""Request states: good for whom, until when and for what they were made, and nobody else can make one."""

from __future__ import annotations

import base64
import json
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from mcpool.gateway import sealed
from mcpool.gateway.failure import Failure
from mcpool.gateway.request_state import Bond, RequestState, bond_of, check, seal, unseal

KEY = b"k" * 32
BOND = Bond("me", "one", b"d" * 16)
STATE = seal(b"nonce", 1000.0, BOND, KEY)


def opened(state: str, key: bytes = KEY) -> RequestState | None:
    return unseal(json.dumps(state).encode(), key)


def fields(value: dict[str, Any]) -> dict[str, Raw]:
    return {name: Raw(json.dumps(member).encode()) for name, member in value.items()}


@given(st.binary(max_size=32), st.integers(0, 2**40), st.text(), st.none() | st.text(), st.binary(max_size=16))
def test_what_is_sealed_comes_back(nonce: bytes, expires: int, who: str, route: str | None, digest: bytes) -> None:
    state = opened(seal(nonce, expires, Bond(who, route, digest), KEY))
    assert state is not None
    assert (state.nonce, state.expires) == (nonce, expires)
    check(state, Bond(who, route, digest), expires - 1)


@given(st.integers(0, len(STATE) - 2), st.sampled_from("abcXYZ019-_"))
def test_changed_state_is_none_of_ours(position: int, letter: str) -> None:
    changed = STATE[:position] + letter + STATE[position + 1 :]
    assert (opened(changed) is None) == (changed != STATE)


@given(st.binary())
def test_anything_else_is_none_of_ours(value: bytes) -> None:
    assert unseal(value, KEY) is None
    assert opened(base64.urlsafe_b64encode(value).decode()) is None


@given(st.none() | st.booleans() | st.integers() | st.text() | st.lists(st.text()))
def test_any_other_json_is_none_of_ours(value: object) -> None:
    assert unseal(json.dumps(value).encode(), KEY) is None


def test_absent_state_is_none() -> None:
    assert unseal(None, KEY) is None


def test_state_of_another_home_is_none_of_ours() -> None:
    assert opened(STATE, b"x" * 32) is None


@pytest.mark.parametrize("body", [b"", b"{}", b'[2,"",0,"me","one",""]', b'[1,"",0,"me"]', b"\xff"])
def test_signed_body_that_is_no_state_is_none(body: bytes) -> None:
    assert opened(sealed.seal(b"mcpool request state", body, KEY).decode()) is None


def test_session_id_is_no_state() -> None:
    body = base64.urlsafe_b64decode(STATE + "=" * (-len(STATE) % 4))[16:]
    assert opened(sealed.seal(b"mcpool session", body, KEY).decode()) is None


@pytest.mark.parametrize(
    ("bond", "now", "reason"),
    [
        (BOND._replace(principal="you"), 0, "other principal"),
        (BOND._replace(route=None), 0, "other endpoint"),
        (BOND._replace(route="two"), 0, "other endpoint"),
        (BOND._replace(request=b"e" * 16), 0, "other request"),
        (BOND, 1000, "expired"),
    ],
)
def test_state_presented_otherwise_is_refused(bond: Bond, now: float, reason: str) -> None:
    state = opened(STATE)
    assert state is not None
    with pytest.raises(Failure) as caught:
        check(state, bond, now)
    assert json.loads(caught.value.data or b"")["mcpool"]["reason"] == reason
    assert caught.value.code == -32602


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
NAMES = st.text().filter(lambda name: name not in ("inputResponses", "requestState"))
PARAMS = st.dictionaries(NAMES, JSON, max_size=4)


def backwards(value: Any) -> Any:
    """The same value with the members of each object in the opposite order."""
    if isinstance(value, dict):
        members = cast("dict[str, Any]", value)
        return {name: backwards(members[name]) for name in reversed(members)}
    return [backwards(item) for item in cast("list[Any]", value)] if isinstance(value, list) else value


@given(PARAMS, st.text(), JSON)
def test_retry_has_the_bond_of_its_request(params: dict[str, Any], state: str, answers: Any) -> None:
    first = bond_of("me", "one", "tools/call", fields(params))
    retry = {"inputResponses": answers, "requestState": state, **backwards(params)}
    assert bond_of("me", "one", "tools/call", fields(retry)) == first


@given(PARAMS, PARAMS)
def test_other_params_have_another_bond(one: dict[str, Any], other: dict[str, Any]) -> None:
    same = json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)
    bonds = [bond_of("me", "one", "tools/call", fields(params)) for params in (one, other)]
    assert (bonds[0] == bonds[1]) == same


def test_other_method_has_another_bond() -> None:
    assert bond_of("me", None, "tools/call", {}) != bond_of("me", None, "prompts/get", {})


def test_params_that_cannot_be_told_apart_by_value_are_by_text() -> None:
    deep = {"a": Raw(b"[" * 5000 + b"]" * 5000)}
    deeper = {"a": Raw(b"[" * 5001 + b"]" * 5001)}
    assert bond_of("me", None, "m", deep) != bond_of("me", None, "m", deeper)

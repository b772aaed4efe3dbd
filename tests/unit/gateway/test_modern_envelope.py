"""Header values as 2026-07-28 writes them."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcpool.gateway.modern_envelope import decode_header


@given(st.text())
def test_any_text_can_be_wrapped(text: str) -> None:
    assert decode_header(b"=?base64?%b?=" % base64.b64encode(text.encode())) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, None),
        (b"plain", "plain"),
        (b"=?base64?ZQ==?=", "e"),
        (b"=?base64?ZR==?=", None),
        (b"=?base64?Z?=", None),
        (b"=?base64?/w==?=", None),
        (b"=?base64?", "=?base64?"),
        (b"=?base64?=", "=?base64?="),
    ],
)
def test_broken_wrapping_matches_nothing(value: bytes | None, text: str | None) -> None:
    assert decode_header(value) == text

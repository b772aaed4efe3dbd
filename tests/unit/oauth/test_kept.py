"""Which of several copies of a sign-in counts, and what a renewal may replace."""

from __future__ import annotations

import pytest

from mcpool.oauth.grant import Grant
from mcpool.oauth.kept import Kept, decode, encode, newest, stamp, still_counts

GRANT = Grant(url="u", issuer="i", client={"client_id": "c"}, access_token="acc3ss", refresh_token="r3fresh")


@pytest.mark.parametrize("kept", [Kept(1.5, GRANT), Kept(1.5)])
def test_what_is_written_is_read_again(kept: Kept) -> None:
    assert decode(encode(kept)) == kept


@pytest.mark.parametrize("data", [b"", b"{}", b"[]", b"\xff", b'{"written_at": 1, "grant": {}}', b"[" * 100_000])
def test_anything_else_is_nothing(data: bytes) -> None:
    assert decode(data) is None


def test_the_newer_copy_counts() -> None:
    old, new = Kept(1, GRANT), Kept(2)
    assert newest([old, None, new]) == newest([new, None, old]) == new


def test_of_equally_old_copies_the_first_counts() -> None:
    assert newest([Kept(1, GRANT), Kept(1)]) == Kept(1, GRANT)


def test_without_copies_there_is_nothing() -> None:
    assert newest([None, None]) is None


def test_a_stamp_is_the_time_of_writing() -> None:
    assert stamp(5.0, Kept(1)) == stamp(5.0, None) == 5.0


def test_what_is_written_later_is_newer_although_the_clock_was_put_back() -> None:
    assert stamp(5.0, Kept(1e9)) > 1e9


def test_a_renewal_takes_the_place_of_what_it_renews() -> None:
    assert still_counts(5, Kept(5, GRANT))
    assert still_counts(5, None)


@pytest.mark.parametrize("later", [Kept(6), Kept(6, GRANT)])
def test_a_renewal_undoes_no_later_sign_in_or_sign_out(later: Kept) -> None:
    assert not still_counts(5, later)


def test_a_renewal_outlives_that_another_process_was_refused_one() -> None:
    assert still_counts(5, Kept(6, GRANT.spent()))

"""When a request may be sent again."""

from __future__ import annotations

import pytest

from mcpool.backend.resend import Attempt, Failure, Verdict, verdict
from mcpool.backend.tools import Annotations
from mcpool.config.server import Retry

READ_ONLY = Annotations(read_only_hint=True)
IDEMPOTENT = Annotations(idempotent_hint=True)
WRITES = Annotations(read_only_hint=False)


def call(
    failure: Failure,
    hints: Annotations | None = WRITES,
    *,
    retry: Retry = "safe",
    resent: bool = False,
    refreshable: bool = False,
) -> Verdict:
    return verdict(Attempt("tools/call", failure, resent, retry, hints, refreshable))


@pytest.mark.parametrize("failure", [Failure.UNSENT, Failure.SESSION_EXPIRED, Failure.THROTTLED])
def test_call_that_never_ran_is_sent_again(failure: Failure) -> None:
    """H4"""
    assert call(failure) == "resend"


@pytest.mark.parametrize("failure", [Failure.UNSENT, Failure.SESSION_EXPIRED, Failure.THROTTLED])
def test_call_that_never_ran_is_sent_again_only_once(failure: Failure) -> None:
    assert call(failure, resent=True) == "not_run"


@pytest.mark.parametrize("failure", [Failure.UNSENT, Failure.SESSION_EXPIRED])
def test_call_that_never_ran_is_sent_again_whatever_the_configuration_says_of_repeating(failure: Failure) -> None:
    assert call(failure, retry="never") == "resend"


def test_call_refused_for_its_credentials_is_sent_again_once_they_can_be_refreshed() -> None:
    assert call(Failure.UNAUTHORIZED, refreshable=True) == "resend"


def test_call_refused_for_its_credentials_is_not_sent_again_with_the_same_ones() -> None:
    assert call(Failure.UNAUTHORIZED) == "not_run"


@pytest.mark.parametrize("failure", [Failure.LOST, Failure.SERVER_ERROR])
def test_call_that_may_have_run_is_not_sent_again(failure: Failure) -> None:
    assert call(failure) == "unknown"


@pytest.mark.parametrize("failure", [Failure.LOST, Failure.SERVER_ERROR])
def test_call_of_a_tool_without_known_annotations_is_not_sent_again(failure: Failure) -> None:
    assert call(failure, None) == "unknown"


@pytest.mark.parametrize("failure", [Failure.LOST, Failure.SERVER_ERROR])
@pytest.mark.parametrize("hints", [READ_ONLY, IDEMPOTENT])
def test_call_that_does_no_harm_twice_is_sent_again(failure: Failure, hints: Annotations) -> None:
    assert call(failure, hints) == "resend"


def test_harmless_call_is_sent_again_only_once() -> None:
    assert call(Failure.LOST, READ_ONLY, resent=True) == "unknown"


def test_harmless_call_is_not_sent_again_where_the_configuration_says_never() -> None:
    assert call(Failure.LOST, READ_ONLY, retry="never") == "unknown"


def test_call_is_sent_again_where_the_configuration_says_always() -> None:
    assert call(Failure.LOST, WRITES, retry="always") == "resend"


@pytest.mark.parametrize("method", ["tasks/cancel", "tasks/update", "vendor/transfer"])
def test_lost_request_of_which_nothing_is_known_is_not_sent_again(method: str) -> None:
    assert verdict(Attempt(method, Failure.LOST, resent=False, retry="safe")) == "unknown"


@pytest.mark.parametrize("method", ["tools/list", "resources/read", "prompts/get", "completion/complete"])
def test_lost_request_that_only_reads_is_sent_again(method: str) -> None:
    assert verdict(Attempt(method, Failure.LOST, resent=False, retry="safe")) == "resend"


@pytest.mark.parametrize("retry", ["safe", "always"])
def test_answered_call_is_never_sent_again(retry: Retry) -> None:
    assert call(Failure.ANSWERED, READ_ONLY, retry=retry) == "answered"


@pytest.mark.parametrize("failure", [Failure.TIMED_OUT, Failure.CANCELLED])
@pytest.mark.parametrize("retry", ["safe", "always"])
def test_call_that_was_given_up_is_never_sent_again(failure: Failure, retry: Retry) -> None:
    assert call(failure, READ_ONLY, retry=retry) == "unknown"

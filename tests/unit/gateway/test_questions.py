"""What a handshake client is asked on behalf of a server of either era."""

from __future__ import annotations

import json

import pytest

from mcpool.gateway.questions import with_elicitation_id


def test_elicitation_to_open_a_url_gets_the_id_that_handshake_revisions_want() -> None:
    params = json.loads(with_elicitation_id(b'{"mode":"url","message":"Sign in","url":"https://a.test"}', 7))
    assert params == {"mode": "url", "message": "Sign in", "url": "https://a.test", "elicitationId": "mcpool-7"}


def test_id_of_the_server_stays() -> None:
    params = json.loads(with_elicitation_id(b'{"mode":"url","url":"https://a.test","elicitationId":"e"}', 7))
    assert params["elicitationId"] == "e"


@pytest.mark.parametrize("params", [b'{"message":"url"}', b'{"mode":"form","url":"url"}', b'["url"]', b'"url"'])
def test_everything_else_stays_as_it_is(params: bytes) -> None:
    assert json.loads(with_elicitation_id(params, 7)) == json.loads(params)

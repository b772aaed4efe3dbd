"""What comes back from the browser: read, believed only if it answers what was asked, and never shown."""

from __future__ import annotations

import asyncio

import httpx2
import pytest

from mcpool.oauth.callback import Answer, NoAnswer, listening, read_answer

ASKED = "https://id.example.org/authorize?client_id=c&state=s1"


def test_an_answer_is_read_from_the_address() -> None:
    answer = read_answer(" http://127.0.0.1:1/callback?code=c0de&state=s1&iss=https%3A%2F%2Fid \n")
    assert answer == Answer("s1", "c0de", "https://id")
    assert "c0de" not in repr(answer)


def test_a_refusal_is_read_without_what_could_harm_a_terminal() -> None:
    assert read_answer("x?state=s&error=access_denied%1b%5b2J").error == "access_denied2J"


@pytest.mark.parametrize("address", ["", "hello", ASKED, "http://127.0.0.1/callback?code=c", "http://[::1"])
def test_anything_else_is_no_answer(address: str) -> None:
    with pytest.raises(NoAnswer):
        read_answer(address)


async def test_only_the_answer_to_this_sign_in_is_taken() -> None:
    async with listening() as callback, httpx2.AsyncClient(trust_env=False) as browser:
        callback.expect(ASKED)
        statuses = [
            (await browser.get(callback.url + query)).status_code
            for query in ("?code=evil&state=other", "?state=s1", "/else?code=c&state=s1", "?code=c0de&state=s1")
        ]
        answer = await asyncio.wait_for(callback.answer(), 10)
    assert statuses == [400, 400, 404, 200]
    assert answer.code == "c0de"


async def test_a_connection_that_says_nothing_keeps_nobody_waiting() -> None:
    async with listening() as callback, httpx2.AsyncClient(trust_env=False) as browser:
        callback.expect(ASKED)
        _, silent = await asyncio.open_connection("127.0.0.1", callback.port)
        await browser.get(callback.url + "?code=c0de&state=s1")
        assert (await asyncio.wait_for(callback.answer(), 10)).code == "c0de"
    silent.close()

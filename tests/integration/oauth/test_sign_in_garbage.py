"""Signing in at an issuer, or a server, that does not keep to anything: a sentence without secrets, whatever comes."""

from __future__ import annotations

import json
from urllib.parse import parse_qs, urlsplit

import pytest

from mcpool.config.server import Http
from mcpool.errors import ServerUnavailable
from mcpool.oauth import asking
from mcpool.oauth.callback import Answer
from mcpool.oauth.grant import Grant
from mcpool.oauth.interactive import Visit, sign_in
from support.raw_http import Asked, raw_server
from support.ways import HERE

REDIRECT = "http://127.0.0.1:8378/callback"
STAGES = ("server", "resource", "issuer", "register", "token", "after")
GARBAGE: dict[str, tuple[int, bytes]] = {
    "nothing": (200, b""),
    "no JSON": (200, b"<html>"),
    "no text": (200, b"\xff\xfe\x00"),
    "a list": (200, b"[]"),
    "null": (200, b"null"),
    "wrong types": (200, b'{"issuer": 7, "client_id": [], "access_token": {}, "resource": null}'),
    "deep": (200, b"[" * 100_000),
    "an error": (400, b'{"error": "invalid_request", "error_description": "s3cret"}'),
    "a redirect": (302, b""),
    "forbidden": (403, b"s3cret"),
    "not found": (404, b""),
    "broken": (500, b"s3cret"),
    "endless": (200, b" " * 300_000),
}


class Server:
    """A server and its issuer in one, good but for one answer."""

    def __init__(self, stage: str, status: int, body: bytes) -> None:
        self.stage, self.status, self.body = stage, status, body
        self.url = ""
        self.signed_in = False

    async def answer(self, asked: Asked) -> None:
        stage, status, document = self._good(asked)
        body = json.dumps(document).encode()
        if stage == self.stage:
            status, body = self.status, self.body
        extra = (("WWW-Authenticate", "Bearer"),) if status == 401 else ()
        await asked.reply(status, body, extra=(*extra, ("Location", f"{self.url}/elsewhere")))

    def _good(self, asked: Asked) -> tuple[str, int, object]:
        path = urlsplit(asked.target).path
        if "oauth-protected-resource" in path:
            return "resource", 200, {"resource": f"{self.url}/mcp", "authorization_servers": [self.url]}
        if "well-known" in path:
            endpoints = {f"{name}_endpoint": f"{self.url}/{path}" for name, path in _ENDPOINTS.items()}
            return "issuer", 200, {"issuer": self.url, **endpoints}
        if path == "/register":
            return "register", 201, {"client_id": "c", "redirect_uris": [REDIRECT]}
        if path == "/token":
            self.signed_in = True
            return "token", 200, {"access_token": "s3cret-token", "token_type": "Bearer"}
        if self.signed_in:
            return "after", 200, {}
        return "server", 401, {}


_ENDPOINTS = {"authorization": "authorize", "token": "token", "registration": "register"}


def person() -> Visit:
    """Gives back a code for whatever page."""
    pages: list[str] = []

    async def show(url: str) -> None:
        pages.append(url)

    async def answer() -> Answer:
        return Answer(state=parse_qs(urlsplit(pages[-1]).query)["state"][0], code="s3cret-code")

    return Visit(REDIRECT, show, answer)


async def attempt(server: Server) -> Grant | str:
    """The grant, or what a person is told."""
    async with raw_server(server.answer) as url:
        server.url = url.removesuffix("/mcp")
        try:
            return await sign_in("web", Http(f"{server.url}/mcp"), None, person(), HERE)
        except ServerUnavailable as error:
            return str(error)


async def test_a_good_one_signs_in() -> None:
    found = await attempt(Server("none", 0, b""))
    assert isinstance(found, Grant)
    assert found.access_token == "s3cret-token"


@pytest.mark.parametrize("garbage", GARBAGE.values(), ids=GARBAGE)
@pytest.mark.parametrize("stage", STAGES)
async def test_garbage_at_any_stage_is_a_sentence_without_secrets(
    stage: str, garbage: tuple[int, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asking, "LARGEST", 200_000)
    found = await attempt(Server(stage, *garbage))
    if isinstance(found, Grant):
        assert found.access_token == "s3cret-token"  # it could do without that answer
    else:
        assert found.startswith("`web`: ")
        assert "s3cret" not in found


async def test_tokens_are_kept_although_the_server_fails_after_they_came() -> None:
    class Dies(Server):
        async def answer(self, asked: Asked) -> None:
            if self.signed_in:
                asked.hang_up()
            else:
                await super().answer(asked)

    found = await attempt(Dies("none", 0, b""))
    assert isinstance(found, Grant)
    assert found.access_token == "s3cret-token"


@pytest.mark.parametrize(
    ("server", "url", "environment", "is_safe"),
    [
        ("https://example.org/mcp", "https://id.example.org/token", "local", True),
        ("https://example.org/mcp", "http://id.example.org/token", "local", False),
        ("https://example.org/mcp", "http://127.0.0.1/token", "local", False),
        ("https://localhost/mcp", "http://localhost/token", "local", True),
        ("http://intranet/mcp", "http://id.intranet/token", "local", True),
        ("https://localhost/mcp", "https://localhost/token", "box", True),
        ("https://localhost/mcp", "http://localhost/token", "box", False),
        ("http://localhost/mcp", "http://localhost/token", "box", True),
    ],
)
def test_nothing_of_a_server_on_https_goes_where_anybody_can_listen(
    server: str, url: str, environment: str, is_safe: bool
) -> None:
    assert asking.safe(server, url, environment) == is_safe

"""The sign-ins of a host: one for each place, and not more than it needs."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from mcpool.oauth import sign_in as module
from mcpool.oauth.grant import Grant, Place
from mcpool.oauth.held import Held
from mcpool.oauth.sign_in import SignIns
from mcpool.oauth.store import GrantStore
from support.ways import HERE

PLACE = Place("https://example.org/mcp", "")


@pytest.fixture
def sign_ins(tmp_path: Path) -> SignIns:
    return SignIns(GrantStore(tmp_path, "file"), lambda environment: HERE)


def test_whoever_asks_gets_the_same(sign_ins: SignIns) -> None:
    assert sign_ins.of("web", PLACE) is sign_ins.of("web", PLACE)
    assert sign_ins.of("web", PLACE) is not sign_ins.of("web", Place(PLACE.url, "laptop"))


def test_the_one_used_the_longest_ago_makes_room(sign_ins: SignIns, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "KNOWN", 2)
    first, second = sign_ins.of("a", PLACE), sign_ins.of("b", PLACE)
    assert sign_ins.of("a", PLACE) is first
    sign_ins.of("c", PLACE)
    assert sign_ins.of("a", PLACE) is first
    assert sign_ins.of("b", PLACE) is not second


def test_one_that_has_something_to_keep_makes_no_room(sign_ins: SignIns, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "KNOWN", 1)
    busy = sign_ins.of("a", PLACE)
    with monkeypatch.context() as patch:
        patch.setattr(Held, "unkept", True)
        sign_ins.of("b", PLACE)
    assert sign_ins.of("a", PLACE) is busy


async def test_nothing_is_written_for_who_never_signed_in(sign_ins: SignIns, tmp_path: Path) -> None:
    sign_in = sign_ins.of("web", PLACE)
    assert [await sign_in.token(), await sign_in.instead_of(None)] == [None, None]
    assert not (tmp_path / "oauth").exists()


@pytest.mark.parametrize(
    ("server", "principal", "command"),
    [
        ("web", "", "mcpool auth web"),
        ("web", "laptop", "mcpool auth web --principal laptop"),
        ("my web", "a; rm -rf ~", "mcpool auth 'my web' --principal 'a; rm -rf ~'"),
    ],
)
def test_the_command_that_signs_in_can_be_pasted_into_a_shell(
    sign_ins: SignIns, server: str, principal: str, command: str
) -> None:
    required = sign_ins.of(server, Place(PLACE.url, principal)).required()
    assert str(required) == f"`{server}` needs you to sign in: run `{command}`"


@pytest.mark.parametrize("scopes", [(), ("write",)])
def test_where_the_command_line_knows_nothing_of_a_server_the_program_is_named(
    sign_ins: SignIns, scopes: tuple[str, ...]
) -> None:
    sign_in = sign_ins.of("web", PLACE, "thread")
    said = str(sign_in.lacking(scopes) if scopes else sign_in.required())
    assert "the program that chose its plugin can have you do that" in said
    assert "mcpool auth" not in said
    assert all(scope in said for scope in scopes)


async def test_fifty_who_need_a_token_read_it_once(
    sign_ins: SignIns, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await GrantStore(tmp_path, "file").write(PLACE, Grant("u", "i", {}, access_token="acc3ss"))
    reads, read = list[Place](), GrantStore.read

    async def reading(store: GrantStore, place: Place) -> object:
        reads.append(place)
        return await read(store, place)

    monkeypatch.setattr(GrantStore, "read", reading)
    sign_in = sign_ins.of("web", PLACE)
    assert await asyncio.gather(*(sign_in.token() for _ in range(50))) == ["acc3ss"] * 50
    assert len(reads) == 1

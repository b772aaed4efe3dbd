"""Which era and revision a server speaks, told by servers that answer in every possible way."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest

from mcpool.errors import AuthRequired, CallTimeout, ServerUnavailable
from mcpool.wire.lost import ConnectionLost, LostDuringProbe
from mcpool.wire.session import Era, Session

if TYPE_CHECKING:
    from collections.abc import Callable

    from unit.wire.conftest import Reply, Scene


def result(**members: Any) -> Reply:
    return lambda request: [json.dumps({"jsonrpc": "2.0", "id": request["id"], "result": members}).encode()]


def error(code: int, **data: Any) -> Reply:
    body = {"code": code, "message": "no", "data": data}
    return lambda request: [json.dumps({"jsonrpc": "2.0", "id": request["id"], "error": body}).encode()]


def refused_by(scene: Scene) -> Reply:
    """What HTTP makes of 401: the link tells the engine, and no message comes."""

    def refuse(request: Any) -> list[bytes]:
        wanted = AuthRequired("echo", "needs you to sign in")
        scene.loop.call_soon(scene.engine.on_call_refused, request["id"], wanted)
        return []

    return refuse


DISCOVERED = result(
    resultType="complete",
    supportedVersions=["2025-11-25", "2026-07-28"],
    capabilities={"tools": {}},
    instructions="be kind",
    _meta={"io.modelcontextprotocol/serverInfo": {"name": "modern", "version": "1"}},
)


def initialized(version: str = "2025-11-25") -> Reply:
    return result(protocolVersion=version, capabilities={"logging": {}}, serverInfo={"name": "old", "version": "2"})


async def open_session(
    scene: Scene, remembered: Era | None = None, probe_after: float = 3600.0, deadline: float | None = None
) -> Session:
    return await Session.open(
        scene.engine,
        client_info={"name": "mcpool", "version": "1"},
        capabilities=b'{"elicitation":{}}',
        remembered=remembered,
        probe_after=probe_after,
        deadline=deadline,
    )


def methods(scene: Scene) -> list[str]:
    return [message["method"] for message in scene.heard]


async def test_a_modern_server_answers_the_probe(scene: Scene) -> None:
    scene.plays(server_discover=DISCOVERED)

    session = await open_session(scene)

    assert (session.era, session.version) == ("modern", "2026-07-28")
    assert session.server_info == {"name": "modern", "version": "1"}
    assert session.capabilities == {"tools": {}}
    assert session.instructions == "be kind"
    assert session.discover is not None
    assert json.loads(session.discover)["resultType"] == "complete"
    assert session.initialize_result is None
    assert methods(scene) == ["server/discover"]
    assert scene.heard[0]["params"]["_meta"] == {
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": {"name": "mcpool", "version": "1"},
        "io.modelcontextprotocol/clientCapabilities": {"elicitation": {}},
    }


@pytest.mark.parametrize("code", [-32601, -32602, -32603, -32000, 0, -32022])
async def test_any_error_to_the_probe_means_the_handshake(scene: Scene, code: int) -> None:
    scene.plays(server_discover=error(code), initialize=initialized())

    session = await open_session(scene)
    await asyncio.sleep(0)

    assert (session.era, session.version) == ("handshake", "2025-11-25")
    assert session.server_info == {"name": "old", "version": "2"}
    assert session.initialize_result is not None
    assert session.discover is None
    assert methods(scene) == ["server/discover", "initialize", "notifications/initialized"]
    assert scene.heard[1]["params"] == {
        "protocolVersion": "2025-11-25",
        "capabilities": {"elicitation": {}},
        "clientInfo": {"name": "mcpool", "version": "1"},
    }


@pytest.mark.parametrize("version", ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"])
async def test_every_known_handshake_revision_is_accepted(scene: Scene, version: str) -> None:
    scene.plays(initialize=initialized(version))

    session = await open_session(scene, "handshake")

    assert session.version == version


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(result(supportedVersions=["2025-11-25"]), id="a modern answer that offers the handshake only"),
        pytest.param(result(), id="an answer of no known form"),
        pytest.param(result(supportedVersions="2026-07-28"), id="versions that are no list"),
    ],
)
async def test_a_probe_answered_without_a_modern_revision_means_the_handshake(scene: Scene, answer: Reply) -> None:
    scene.plays(server_discover=answer, initialize=initialized())

    assert (await open_session(scene)).era == "handshake"


async def test_a_server_that_speaks_nothing_of_ours_is_refused(scene: Scene) -> None:
    scene.plays(server_discover=error(-32022, supported=["2031-01-01"], requested="2026-07-28"))

    with pytest.raises(ServerUnavailable, match="supports 2031-01-01"):
        await open_session(scene)
    assert methods(scene) == ["server/discover"]


async def test_silence_to_the_probe_is_answered_with_the_handshake_as_well(scene: Scene) -> None:
    scene.plays(initialize=initialized())

    session = await open_session(scene, probe_after=0.0)
    await asyncio.sleep(0)

    assert session.era == "handshake"
    assert methods(scene) == ["server/discover", "initialize", "notifications/initialized"]
    assert scene.engine.calls == ()


async def test_a_late_discover_result_beats_an_initialize_result_that_comes_with_it(scene: Scene) -> None:
    opening = asyncio.ensure_future(open_session(scene, probe_after=0.0))
    await scene.hears(2)

    probe, handshake = scene.heard
    scene.says(initialized()(handshake)[0], DISCOVERED(probe)[0])

    assert (await opening).era == "modern"


async def test_a_slow_modern_server_that_refuses_initialize_is_waited_for(scene: Scene) -> None:
    opening = asyncio.ensure_future(open_session(scene, probe_after=0.0))
    await scene.hears(2)
    probe, handshake = scene.heard

    scene.says(error(-32022, supported=["2026-07-28"])(handshake)[0])
    await asyncio.sleep(0)
    scene.says(DISCOVERED(probe)[0])

    assert (await opening).era == "modern"


async def test_a_refused_handshake_is_told_though_the_probe_stays_unanswered(scene: Scene) -> None:
    scene.plays(initialize=error(-32603))

    with pytest.raises(ServerUnavailable, match="refused `initialize` with -32603"):
        await open_session(scene, probe_after=0.0)


async def test_a_probe_refused_late_leaves_the_decision_to_the_handshake(scene: Scene) -> None:
    opening = asyncio.ensure_future(open_session(scene, probe_after=0.0))
    await scene.hears(2)
    probe, handshake = scene.heard

    scene.says(error(-32601)(probe)[0])
    await asyncio.sleep(0)
    scene.says(initialized()(handshake)[0])

    assert (await opening).era == "handshake"


async def test_a_remembered_handshake_is_not_probed(scene: Scene) -> None:
    scene.plays(initialize=initialized())

    session = await open_session(scene, "handshake")
    await asyncio.sleep(0)

    assert session.era == "handshake"
    assert methods(scene) == ["initialize", "notifications/initialized"]


@pytest.mark.parametrize("code", [-32022, -32601])
async def test_a_remembered_handshake_that_is_no_longer_spoken_is_forgotten(scene: Scene, code: int) -> None:
    scene.plays(initialize=error(code), server_discover=DISCOVERED)

    assert (await open_session(scene, "handshake")).era == "modern"
    assert methods(scene) == ["initialize", "server/discover"]


async def test_a_remembered_modern_server_is_not_offered_the_handshake_in_its_silence(scene: Scene) -> None:
    opening = asyncio.ensure_future(open_session(scene, "modern", probe_after=0.0))
    for _ in range(10):
        await asyncio.sleep(0)

    assert methods(scene) == ["server/discover"]

    scene.says(DISCOVERED(scene.heard[0])[0])
    assert (await opening).era == "modern"


@pytest.mark.parametrize("code", [-32022, -32601, -32600])
async def test_a_remembered_modern_server_that_is_no_longer_modern_is_forgotten(scene: Scene, code: int) -> None:
    scene.plays(server_discover=error(code), initialize=initialized())

    assert (await open_session(scene, "modern")).era == "handshake"


async def test_a_handshake_server_that_wants_an_older_revision_gets_it(scene: Scene) -> None:
    def answer(request: Any) -> list[bytes]:
        newest = request["params"]["protocolVersion"] == "2025-11-25"
        reply = error(-32602, supported=["2024-11-05", "2025-03-26"]) if newest else initialized("2025-03-26")
        return reply(request)

    scene.plays(initialize=answer)

    assert (await open_session(scene, "handshake")).version == "2025-03-26"


async def test_a_refusal_that_names_the_modern_revision_is_taken_at_its_word(scene: Scene) -> None:
    asked: list[Any] = []

    def discover(request: Any) -> list[bytes]:
        asked.append(request)
        return (error(-32603) if len(asked) == 1 else DISCOVERED)(request)

    scene.plays(server_discover=discover, initialize=error(-32022, supported=["2026-07-28"]))

    assert (await open_session(scene)).era == "modern"


async def test_a_probe_refused_for_its_revision_is_made_again_if_that_names_one_of_ours(scene: Scene) -> None:
    answers = iter([error(-32022, supported=["2026-07-28"]), DISCOVERED])
    scene.plays(server_discover=lambda request: next(answers)(request))

    assert (await open_session(scene)).era == "modern"
    assert methods(scene) == ["server/discover", "server/discover"]


async def test_a_server_that_wants_credentials_for_the_probe_may_let_anybody_in_by_the_handshake(scene: Scene) -> None:
    scene.plays(server_discover=refused_by(scene), initialize=initialized())

    assert (await open_session(scene)).era == "handshake"


async def test_a_server_that_wants_credentials_and_no_handshake_is_told_as_such(scene: Scene) -> None:
    scene.plays(server_discover=refused_by(scene), initialize=error(-32020))

    with pytest.raises(AuthRequired, match="needs you to sign in"):
        await open_session(scene)


async def test_a_refused_handshake_says_what_was_refused_and_why(scene: Scene) -> None:
    scene.plays(server_discover=error(-32601), initialize=error(-32603))

    with pytest.raises(ServerUnavailable, match="`echo`: refused `initialize` with -32603: no"):
        await open_session(scene)


@pytest.mark.parametrize("version", ["2031-01-01", "2026-07-28", ""])
async def test_a_handshake_in_a_revision_that_is_none_is_refused(scene: Scene, version: str) -> None:
    scene.plays(initialize=initialized(version))

    with pytest.raises(ServerUnavailable, match="known are 2024-11-05"):
        await open_session(scene, "handshake")


async def test_an_initialize_result_of_no_known_form_is_refused(scene: Scene) -> None:
    scene.plays(initialize=result(protocolVersion=7))

    with pytest.raises(ServerUnavailable, match="no known form"):
        await open_session(scene, "handshake")


@pytest.mark.parametrize("remembered", [None, "modern"])
@pytest.mark.parametrize("probe_after", [0.0, 3600.0])
async def test_an_exit_during_the_probe_is_told_as_such(
    scene: Scene, remembered: Era | None, probe_after: float
) -> None:
    scene.link.on_write = lambda _: scene.loop.call_soon(scene.engine.on_exit, 1)

    with pytest.raises(LostDuringProbe) as caught:
        await open_session(scene, remembered, probe_after)
    assert caught.value.status == 1


async def test_an_exit_after_the_probe_was_answered_is_an_ordinary_loss(scene: Scene) -> None:
    def crash(_: Any) -> list[bytes]:
        scene.loop.call_soon(scene.engine.on_exit, 1)
        return []

    scene.plays(server_discover=error(-32601), initialize=crash)

    with pytest.raises(ConnectionLost) as caught:
        await open_session(scene)
    assert not isinstance(caught.value, LostDuringProbe)


async def test_an_exit_during_a_remembered_handshake_is_an_ordinary_loss(scene: Scene) -> None:
    scene.link.on_write = lambda _: scene.loop.call_soon(scene.engine.on_exit, 1)

    with pytest.raises(ConnectionLost) as caught:
        await open_session(scene, "handshake")
    assert not isinstance(caught.value, LostDuringProbe)


async def test_no_answer_by_the_deadline_says_what_was_asked(scene: Scene) -> None:
    with pytest.raises(CallTimeout, match="no answer to `server/discover` and `initialize` within"):
        await open_session(scene, probe_after=0.0, deadline=scene.loop.time() + 0.05)

    assert "notifications/cancelled" not in methods(scene)
    assert all(call.cancelled for call in scene.engine.calls)


async def test_a_cancelled_opening_leaves_nothing_waiting(scene: Scene) -> None:
    opening = asyncio.ensure_future(open_session(scene))
    await scene.hears(1)

    opening.cancel()

    with pytest.raises(asyncio.CancelledError):
        await opening
    assert scene.engine.calls == ()


async def test_facts_of_no_known_form_count_as_not_said(new_scene: Callable[..., Scene]) -> None:
    handshake, modern = new_scene(), new_scene()
    handshake.plays(initialize=result(protocolVersion="2025-11-25", capabilities=[], serverInfo="x"))
    modern.plays(server_discover=result(supportedVersions=["2026-07-28"], _meta=5))

    for session in (await open_session(handshake, "handshake"), await open_session(modern)):
        assert (session.server_info, session.capabilities, session.instructions) == ({}, {}, None)

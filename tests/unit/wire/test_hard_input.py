"""Whatever a server writes: no line costs the next one, and whoever waits for a broken one hears at once."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcpool.errors import BadAnswer, MessageTooLarge, RpcError
from mcpool.wire.envelope import Envelope
from mcpool.wire.reader import BROKEN, MENDED, NO_MESSAGE, TOO_LARGE, UNFINISHED, Reader

if TYPE_CHECKING:
    from collections.abc import Callable

    from unit.wire.conftest import Scene

DEEP = b"[" * 5000 + b"]" * 5000


async def next_call_works(scene: Scene) -> bool:
    call = scene.engine.call("m", None)
    scene.says({"jsonrpc": "2.0", "id": call.id, "result": {"fine": True}})
    return await call.future == b'{"fine": true}'


@pytest.mark.parametrize(
    ("line", "value"),
    [
        pytest.param(rb'{"id":1,"result":{"a":"x\ud800y"}}', {"a": "x\ufffdy"}, id="lone high surrogate"),
        pytest.param(rb'{"id":1,"result":{"a":"\udc00"}}', {"a": "\ufffd"}, id="lone low surrogate"),
        pytest.param(rb'{"id":1,"result":{"a":"\ud83d\ude00\ud83d"}}', {"a": "😀\ufffd"}, id="a pair and a half"),
        pytest.param(rb'{"id":1,"result":{"a":"\\ud800\ud800"}}', {"a": "\\ud800\ufffd"}, id="an escaped backslash"),
        pytest.param(b'{"id":1,"result":{"a":NaN,"b":"NaN"}}', {"a": None, "b": "NaN"}, id="NaN"),
        pytest.param(b'{"id":1,"result":[Infinity,-Infinity,-1]}', [None, None, -1], id="Infinity"),
        pytest.param(b'\xef\xbb\xbf{"id":1,"result":{}}', {}, id="byte order mark"),
        pytest.param(b'{"id":1,"result":{"a":"x\ty\x00"}}', {"a": "x\ty\x00"}, id="raw control characters"),
        pytest.param(b'{"id":1,"result":{"a":"x\ry"}}', {"a": "x\ry"}, id="a raw CR in a string"),
        pytest.param(b'{"id":1,"result":{"a":"\xff\xc3"}}', {"a": "\ufffd\ufffd"}, id="bytes that are no UTF-8"),
        pytest.param(b'{"id":1,"result":{"a":"\xed\xa0\x80"}}', {"a": "\ufffd" * 3}, id="a surrogate as UTF-8"),
        pytest.param(b'{"id":1,\r"result":{\r"a":1}}\r', {"a": 1}, id="CR between tokens"),
        pytest.param(b'{"id":1,"result":{"a":[NaN],"b":"\xff\\ud800\t"}}', {"a": [None], "b": "��\t"}, id="all"),
    ],
)
async def test_what_can_be_mended_arrives_as_valid_json(scene: Scene, line: bytes, value: Any) -> None:
    call = scene.engine.call("m", None)

    scene.says(line)

    result = await call.future
    assert json.loads(result.decode()) == value
    assert b"\r" not in result
    assert await next_call_works(scene)


@pytest.mark.parametrize("number", [b"9" * 6000, b"-1e99999", b"0.1000000000000000055511151231257827"])
async def test_numbers_stay_as_they_were_written(scene: Scene, number: bytes) -> None:
    call = scene.engine.call("m", None)
    scene.says(b'{"jsonrpc":"2.0","id":1,"result":{"a":' + number + b"}}")
    assert await call.future == b'{"a":' + number + b"}"

    mended = scene.engine.call("m", None)
    scene.says(b'{"jsonrpc":"2.0","id":2,"result":{"a":' + number + b',"b":NaN}}')
    assert await mended.future == b'{"a":' + number + b',"b":null}'


async def test_mending_is_reported_once(scene: Scene) -> None:
    for _ in range(3):
        call = scene.engine.call("m", None)
        scene.says(b'{"id":%d,"result":NaN}' % call.id)

    assert scene.garbage == [(MENDED, b'{"id":1,"result":NaN}')]
    assert scene.engine.statistics().mended == 3


@pytest.mark.parametrize(
    "line",
    [
        pytest.param(b'{"jsonrpc":"2.0","id":1,"result":' + DEEP + b"}", id="too deep, id first"),
        pytest.param(b'{"result":' + DEEP + b',"id":1,"jsonrpc":"2.0"}', id="too deep, id last"),
        pytest.param(b'{"jsonrpc":"2.0","result":' + DEEP + b',"id":"1"}', id="too deep, id a string"),
        pytest.param(b'{"jsonrpc":"2.0","id":1,"result":{"a":01}}', id="no number"),
        pytest.param(b'{"jsonrpc":"2.0","id":1,"result":{"a":"\\x41"}}', id="no escape"),
        pytest.param(b'{"jsonrpc":"2.0","id":1,"result":{"a":1}', id="cut short"),
        pytest.param(b'{"jsonrpc":"2.0","id":1,"result":{"a":1,}}', id="trailing comma"),
        pytest.param(b'{"jsonrpc":"2.0","id":1,"result":{}} trailing', id="trailing text"),
    ],
)
async def test_an_answer_that_cannot_be_read_fails_its_call_at_once(scene: Scene, line: bytes) -> None:
    call = scene.engine.call("m", None)

    scene.says(line)

    with pytest.raises(BadAnswer):
        await call.future
    assert scene.garbage == [(BROKEN, line[:200])]
    assert await next_call_works(scene)


@pytest.mark.parametrize(
    "line",
    [
        pytest.param(b"Server listening on port 3000", id="a log line"),
        pytest.param(b'{"level":30,"id":1,"msg":"a structured log line"}', id="a structured log line"),
        pytest.param(b'{"method":"GET","id":1,"path":"/"}', id="a structured request log"),
        pytest.param(b"{'id': 1, 'result': None}", id="a Python dict"),
        pytest.param(b'{"id":1,"level":info}', id="almost JSON that does not speak JSON-RPC"),
        pytest.param(b'"hello"', id="a string"),
        pytest.param(b"5", id="a number"),
        pytest.param(b"null", id="null"),
        pytest.param(b"[]", id="an empty batch"),
        pytest.param(b"[1,[2]]", id="a batch of no messages"),
        pytest.param(b"[" * 5000, id="only brackets"),
        pytest.param(b"\xff\xfe\x00", id="binary"),
        pytest.param(b'{"jsonrpc":"2.0","id":true,"result":{}}', id="an id of no known type"),
        pytest.param(b'{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"?"}}', id="an error without id"),
        pytest.param(b'{"jsonrpc":"2.0","result":{}}', id="a result without id"),
        pytest.param(b'{"jsonrpc":"2.0","id":99,"result":{}}', id="an id that was never ours"),
        pytest.param(b'{"jsonrpc":"2.0","id":"abc","result":{}}', id="an id in another form than ours"),
    ],
)
async def test_garbage_is_reported_and_costs_nobody_anything(scene: Scene, line: bytes) -> None:
    call = scene.engine.call("m", None)

    scene.says(line)

    assert not call.future.done()
    assert len(scene.garbage) == 1
    assert await next_call_works(scene)
    assert scene.engine.calls == (call,)


@pytest.mark.parametrize("blank", [b"", b"\r", b"  \t", b"\xef\xbb\xbf"])
async def test_blank_lines_mean_nothing(scene: Scene, blank: bytes) -> None:
    scene.says(blank, blank)

    assert scene.garbage == []
    assert await next_call_works(scene)


async def test_a_kind_of_garbage_is_reported_once_with_a_short_sample(scene: Scene) -> None:
    scene.says(b"x" * 1000, b"other", b"words")

    assert scene.garbage == [(NO_MESSAGE, b"x" * 200)]
    assert scene.engine.statistics().garbage == 3


async def test_unknown_and_late_answers_are_told_apart(scene: Scene) -> None:
    scene.engine.call("m", None)
    scene.says(*(b'{"jsonrpc":"2.0","id":%b,"result":{}}' % id for id in (b"1", b"1", b"2", b'"x"')))

    statistics = scene.engine.statistics()

    assert (statistics.late, statistics.unknown) == (1, 2)


async def test_crlf_line_ends_are_line_ends(scene: Scene) -> None:
    call = scene.engine.call("m", None)

    scene.engine.on_bytes(b'{"jsonrpc":"2.0","id":1,"result":{}}\r\n\r\n')

    assert await call.future == b"{}"
    assert scene.garbage == []


async def test_a_batch_is_its_messages_in_order(scene: Scene) -> None:
    calls = [scene.engine.call("m", None) for _ in range(2)]

    scene.says(
        [
            {"jsonrpc": "2.0", "id": 2, "result": {"n": 2}},
            {"jsonrpc": "2.0", "method": "notifications/a"},
            {"jsonrpc": "2.0", "id": 1, "result": {"n": 1}},
        ]
    )

    assert [json.loads(await call.future)["n"] for call in calls] == [1, 2]
    assert [note.method for note in scene.notifications] == ["notifications/a"]


async def test_a_broken_member_of_a_batch_does_not_cost_the_others(scene: Scene) -> None:
    calls = [scene.engine.call("m", None) for _ in range(2)]

    scene.says(b'[{"id":1,"result":NaN}, 5, {"jsonrpc":"2.0","id":2,"result":{"a":"\xff"}}]')

    assert [await call.future for call in calls] == [b"null", '{"a":"\ufffd"}'.encode()]


@pytest.mark.parametrize(
    ("members", "code"),
    [
        ({"result": {"a": 1}, "error": {"code": -1, "message": "no"}}, -1),
        ({"result": None, "error": {"code": -1, "message": "no"}}, -1),
        ({"error": {"code": "x"}}, -32600),
        ({"error": "no"}, -32600),
        ({"error": None}, -32600),
        ({}, -32600),
    ],
)
async def test_an_answer_that_is_no_plain_result_fails_its_call(
    scene: Scene, members: dict[str, Any], code: int
) -> None:
    call = scene.engine.call("m", None)

    scene.says({"jsonrpc": "2.0", "id": 1, **members})

    with pytest.raises(RpcError) as caught:
        await call.future
    assert caught.value.code == code


async def test_a_null_error_beside_a_result_is_no_error(scene: Scene) -> None:
    call = scene.engine.call("m", None)

    scene.says(b'{"jsonrpc":"2.0","id":1,"error":null,"result":{}}')

    assert await call.future == b"{}"
    assert scene.garbage == []


async def test_a_notification_with_a_null_id_is_a_notification(scene: Scene) -> None:
    scene.says(b'{"jsonrpc":"2.0","id":null,"method":"notifications/a","params":null}')

    assert [(note.method, note.params) for note in scene.notifications] == [("notifications/a", None)]


async def test_the_last_of_a_key_that_comes_twice_counts(scene: Scene) -> None:
    call = scene.engine.call("m", None)

    scene.says(b'{"id":9,"result":1,"id":1,"result":2}')

    assert await call.future == b"2"


# ---------------------------------------------------------------------- too large


@pytest.mark.parametrize(
    "line",
    [
        pytest.param(b'{"jsonrpc":"2.0","id":1,"result":"%b"}', id="id first"),
        pytest.param(b'{"result":{"a":"%b"},"jsonrpc":"2.0","id":1}', id="id last"),
    ],
)
@pytest.mark.parametrize("chunk", [7, 1000, 1_000_000], ids=["bytewise", "in chunks", "at once"])
async def test_an_answer_over_the_limit_fails_its_call_alone(
    new_scene: Callable[..., Scene], line: bytes, chunk: int
) -> None:
    scene = new_scene(limit=20_000)
    call = scene.engine.call("m", None)
    data = line % (b"x" * 50_000) + b"\n"

    for start in range(0, len(data), chunk):
        scene.engine.on_bytes(data[start : start + chunk])

    with pytest.raises(MessageTooLarge, match=r"5\d,\d\d\d bytes, the limit is 20,000"):
        await call.future
    assert [kind for kind, _ in scene.garbage] == [TOO_LARGE]
    assert await next_call_works(scene)


async def test_neighbours_of_an_oversize_line_in_one_chunk_are_delivered(new_scene: Callable[..., Scene]) -> None:
    scene = new_scene(limit=1000)
    calls = [scene.engine.call("m", None) for _ in range(3)]

    scene.says(
        {"jsonrpc": "2.0", "id": 1, "result": {}},
        {"jsonrpc": "2.0", "id": 2, "result": "x" * 2000},
        {"jsonrpc": "2.0", "id": 3, "result": {}},
    )

    outcomes = await asyncio.gather(*(call.future for call in calls), return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [bytes, MessageTooLarge, bytes]


async def test_a_request_over_the_limit_is_refused_to_the_server(new_scene: Callable[..., Scene]) -> None:
    scene = new_scene(limit=1000)
    call = scene.engine.call("m", None)

    scene.says({"jsonrpc": "2.0", "id": 1, "method": "sampling/createMessage", "params": {"x": "y" * 2000}})
    await asyncio.sleep(0)

    assert [message["error"]["code"] for message in scene.heard[1:]] == [-32700]
    assert not call.future.done()


async def test_an_oversize_line_without_a_readable_id_costs_nobody_anything(new_scene: Callable[..., Scene]) -> None:
    scene = new_scene(limit=1000)
    call = scene.engine.call("m", None)

    scene.says(b'{"result":{"a":"' + b"x" * 9000 + b'"},"id":1,"b":{"c":"' + b"x" * 9000 + b'"}}')

    assert not call.future.done()
    assert await next_call_works(scene)


async def test_an_oversize_line_is_not_kept(new_scene: Callable[..., Scene]) -> None:
    scene = new_scene(limit=100_000)
    piece = b"x" * 50_000

    import tracemalloc

    tracemalloc.start()
    try:
        for _ in range(200):
            scene.engine.on_bytes(piece)
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert kept < 200_000


# ---------------------------------------------------------------------- at the end


async def test_a_last_message_without_line_end_is_delivered(scene: Scene) -> None:
    call = scene.engine.call("m", None)

    scene.engine.on_bytes(b'{"jsonrpc":"2.0","id":1,"result":{}}')
    scene.engine.on_exit(0)

    assert await call.future == b"{}"


async def test_a_last_message_cut_short_is_no_answer(scene: Scene) -> None:
    scene.engine.on_bytes(b'{"jsonrpc":"2.0","id":1,"resu')
    scene.engine.on_exit(0)

    assert [kind for kind, _ in scene.garbage] == [UNFINISHED]


# ---------------------------------------------------------------------- anything at all

garbage_lines = st.one_of(
    st.binary(max_size=60).filter(lambda line: b"\n" not in line),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(codec=None), max_size=5),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    ).map(lambda value: json.dumps(value).encode()),
    st.dictionaries(
        st.sampled_from(["jsonrpc", "id", "method", "params", "result", "error", "x"]),
        st.sampled_from([None, 1, 1.5, True, "2.0", "é", {}, [], {"a": float("nan")}]),
        max_size=5,
    ).map(lambda value: json.dumps(value, ensure_ascii=False).encode()),
    st.binary(max_size=20).map(lambda junk: b'{"jsonrpc":"2.0","id":5,"result":"' + junk.replace(b"\n", b"") + b'"}'),
)


@given(lines=st.lists(garbage_lines, max_size=8), cuts=st.lists(st.integers(0, 400), max_size=6))
@settings(deadline=None, max_examples=400)
def test_valid_messages_survive_any_company_in_any_chunks(lines: list[bytes], cuts: list[int]) -> None:
    received: list[Envelope] = []
    reader = Reader(
        10_000,
        receive=received.append,
        broken=lambda whose, size: None,
        report=lambda kind, sample: None,
    )
    valid = b'{"jsonrpc":"2.0","id":4711,"result":{"a":"\xc3\xa9"}}'
    data = b"".join(line + b"\n" + valid + b"\n" for line in lines)

    start = 0
    for end in [*sorted(cut for cut in cuts if cut < len(data)), len(data)]:
        reader.feed(data[start:end])
        start = end

    assert sum(message.id == 4711 for message in received) == len(lines)
    for message in received:
        for raw in (message.params, message.result, message.error):
            text = bytes(raw or b"null")  # pyright: ignore[reportArgumentType]
            json.loads(text.decode(), parse_constant=pytest.fail)
            assert b"\n" not in text
            assert b"\r" not in text

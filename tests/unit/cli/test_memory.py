"""What the shim remembers of a conversation."""

from __future__ import annotations

import json

import pytest

from mcpool.cli.memory import HEAD, REPLAY_ID, Head, Memory, read_head


def line(**message: object) -> bytes:
    return json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n"


def answer(identifier: object) -> bytes:
    return b'{"jsonrpc":"2.0","id":' + json.dumps(identifier).encode() + b',"result":{}}\n'


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (b'{"jsonrpc":"2.0","id":7,"result":{"unfinished', Head("7", True)),
        (b'{"jsonrpc":"2.0","id":"7","error":{}}\n', Head('"7"', True)),
        (b'{"jsonrpc":"2.0","id":"a,\\"b","result":', Head('"a,\\"b"', True)),
        (b'{"jsonrpc":"2.0","id":7,"method":"elicitation/create"', Head("7", False)),
        (b'{"jsonrpc":"2.0","method":"notifications/progress","params":{"id":7', Head(None, False)),
        (b'{"result":{},"id":7,"jsonrpc":"2.0"}\n', Head("7", True)),
        (b"garbage\n", Head(None, False)),
    ],
)
def test_the_head_of_a_line_tells_what_it_is(head: bytes, expected: Head) -> None:
    assert read_head(head) == expected


def test_a_number_and_a_string_are_different_ids() -> None:
    memory = Memory()
    memory.from_client(line(id=7, method="tools/call"))
    memory.from_daemon(answer("7"))
    assert memory.waiting


@pytest.mark.parametrize("id", [7.5, True, [7], {"id": 7}, "x" * 2000])
def test_nobody_waits_for_the_answer_to_what_has_no_usable_id(id: object) -> None:
    memory = Memory()
    memory.from_client(line(id=id, method="tools/call"))
    memory.from_daemon(answer(id)[:HEAD])
    assert not memory.waiting


@pytest.mark.parametrize("id", ["x" * 1022, "\u00e9" * 511, "\x7f" * 1022, "\ud800" * 10, 10**1000])
def test_the_longest_ids_are_known_again(id: object) -> None:
    memory = Memory()
    memory.from_client(line(id=id, method="tools/call"))
    assert memory.waiting
    memory.from_daemon(answer(id)[:HEAD])
    assert not memory.waiting


def test_a_request_under_an_id_in_flight_is_refused_and_the_first_still_waits() -> None:
    memory = Memory()
    memory.from_client(line(id=7, method="tools/call"))
    note = memory.from_client(line(id=7, method="tools/list"))
    assert not note.forward
    assert note.refusal is not None
    assert json.loads(note.refusal)["id"] == 7
    assert memory.waiting
    tell, again = memory.lost(set(), "lost")
    assert [json.loads(said)["id"] for said in tell] == [7]
    assert again == []


def test_a_cancelled_id_can_be_used_again() -> None:
    memory = Memory()
    memory.from_client(line(id=7, method="tools/call"))
    memory.from_client(line(method="notifications/cancelled", params={"requestId": 7}))
    assert memory.from_client(line(id=7, method="tools/call")).forward


def test_an_answered_request_no_longer_waits() -> None:
    memory = Memory()
    memory.from_client(line(id=7, method="tools/call"))
    memory.from_daemon(answer(7))
    assert not memory.waiting


def test_a_cancelled_request_is_answered_by_nobody_when_the_connection_is_lost() -> None:
    memory = Memory()
    memory.from_client(line(id=7, method="tools/call"))
    memory.from_client(line(method="notifications/cancelled", params={"requestId": 7}))
    assert memory.lost(set(), "lost") == ([], [])


def test_a_question_of_the_daemon_does_not_answer_the_request_of_the_same_id() -> None:
    memory = Memory()
    memory.from_client(line(id=1, method="tools/call"))
    memory.from_daemon(b'{"jsonrpc":"2.0","id":1,"method":"elicitation/create","params":{}}\n')
    assert memory.waiting


def test_a_request_that_never_left_is_neither_answered_nor_repeated() -> None:
    memory = Memory()
    key = memory.from_client(line(id=1, method="tools/call")).key
    assert key is not None
    assert memory.lost({key}, "lost") == ([], [])
    assert memory.waiting


def test_what_is_harmless_is_repeated_once_and_then_fails() -> None:
    memory = Memory()
    memory.from_client(request := line(id=1, method="tools/list"))
    assert memory.lost(set(), "lost") == ([], [("1", request)])
    tell, again = memory.lost(set(), "lost")
    assert again == []
    assert json.loads(tell[0])["id"] == 1


def test_a_call_may_have_run_and_is_never_repeated() -> None:
    memory = Memory()
    memory.from_client(line(id=1, method="tools/call"))
    tell, again = memory.lost(set(), "it broke")
    assert again == []
    assert json.loads(tell[0])["error"]["message"] == (
        "it broke while `tools/call` was in flight: it may or may not have run, and was not run again"
    )


def test_an_open_subscription_is_not_an_answer_due_and_is_opened_again() -> None:
    memory = Memory()
    memory.from_client(request := line(id=1, method="subscriptions/listen"))
    assert not memory.waiting
    assert memory.lost(set(), "lost") == ([], [])
    assert memory.standing(set()) == [("1", request)]
    assert memory.standing({"1"}) == []


def test_an_unanswered_initialize_is_asked_again_and_not_replayed() -> None:
    memory = Memory()
    memory.from_client(request := line(id=1, method="initialize", params={}))
    assert memory.replay() is None
    assert memory.lost(set(), "lost")[1] == [("1", request)]


def test_a_handshake_is_replayed_under_an_id_of_our_own() -> None:
    memory = Memory()
    memory.from_client(line(id=1, method="initialize", params={"a": 1}))
    memory.from_daemon(answer(1))
    memory.from_client(initialized := line(method="notifications/initialized"))
    replay = memory.replay()
    assert replay is not None
    assert json.loads(replay.initialize) == {
        "jsonrpc": "2.0",
        "id": REPLAY_ID,
        "method": "initialize",
        "params": {"a": 1},
    }
    assert replay.initialized == initialized


def test_only_the_last_log_level_and_the_standing_subscriptions_are_replayed() -> None:
    memory = Memory()
    memory.from_client(line(id=1, method="initialize", params={}))
    memory.from_daemon(answer(1))
    for number, (method, params) in enumerate(
        [
            ("logging/setLevel", {"level": "debug"}),
            ("resources/subscribe", {"uri": "a:"}),
            ("resources/subscribe", {"uri": "b:"}),
            ("logging/setLevel", {"level": "error"}),
            ("resources/unsubscribe", {"uri": "a:"}),
        ],
        start=2,
    ):
        memory.from_client(line(id=number, method=method, params=params))
    replay = memory.replay()
    assert replay is not None
    assert [json.loads(setting)["params"] for setting in replay.settings] == [{"level": "error"}, {"uri": "b:"}]


def test_an_answer_to_a_question_of_a_living_daemon_is_forwarded() -> None:
    memory = Memory()
    memory.from_daemon(b'{"jsonrpc":"2.0","id":"q","method":"elicitation/create"}\n')
    assert memory.from_client(answer("q")).forward


def test_an_answer_to_a_question_of_a_lost_daemon_is_kept_back_once() -> None:
    memory = Memory()
    memory.from_daemon(b'{"jsonrpc":"2.0","id":"q","method":"elicitation/create"}\n')
    memory.lost(set(), "lost")
    assert not memory.from_client(answer("q")).forward
    assert memory.from_client(answer("q")).forward


@pytest.mark.parametrize(
    "garbage",
    [
        b"garbage\n",
        b"[1, 2]\n",
        b"[" * 100_000 + b"\n",
        b"\xff\n",
        b'{"id": []}\n',
        b'{"id": 1, "method": "a", "x": NaN}\n',
    ],
)
def test_what_cannot_be_understood_is_forwarded(garbage: bytes) -> None:
    assert Memory().from_client(garbage).forward

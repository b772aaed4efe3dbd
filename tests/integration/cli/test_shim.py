"""`mcpool connect`, a real process, against a daemon that the test plays."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from support.fake_daemon import Conversation, FakeDaemon, Shim

Connect = Callable[..., Shim]

INITIALIZE: dict[str, Any] = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t"}}


def shake_hands(shim: Shim, talk: Conversation) -> None:
    shim.request(0, "initialize", **INITIALIZE)
    talk.answer(talk.receive(), {"protocolVersion": "2025-11-25"})
    shim.receive()
    shim.send({"jsonrpc": "2.0", "method": "notifications/initialized"})
    assert talk.receive()["method"] == "notifications/initialized"


def test_hello_carries_server_and_working_folder(daemon: FakeDaemon, connect: Connect, tmp_path: Path) -> None:
    connect("git", cwd=tmp_path)
    hello = daemon.accept().hello
    assert (hello["mcpool"], hello["kind"], hello["server"], hello["cwd"]) == (1, "mcp", "git", str(tmp_path))


def test_without_a_server_hello_asks_for_all(daemon: FakeDaemon, connect: Connect) -> None:
    connect()
    assert daemon.accept().hello["server"] is None


def test_lines_pass_both_ways_unchanged(daemon: FakeDaemon, connect: Connect) -> None:
    shim = connect()
    talk = daemon.accept()
    shim.stdin.write(b'{"id":  7, "method":"x" ,"jsonrpc":"2.0"}\n')
    shim.stdin.flush()
    assert talk.receive() == {"id": 7, "method": "x", "jsonrpc": "2.0"}
    talk.sock.sendall(b'{"jsonrpc":"2.0","id":7,"result":{"a":  1}}\n')
    assert shim.stdout.readline() == b'{"jsonrpc":"2.0","id":7,"result":{"a":  1}}\n'


def test_when_stdin_closes_answers_still_due_are_delivered_first(daemon: FakeDaemon, connect: Connect) -> None:
    shim = connect()
    talk = daemon.accept()
    shim.request(1, "tools/call", name="slow")
    request = talk.receive()
    shim.stdin.close()
    talk.answer(request, {"done": True})
    assert shim.receive()["result"] == {"done": True}
    assert shim.process.wait(20) == 0


def test_when_stdin_closes_an_open_subscription_is_not_waited_for(daemon: FakeDaemon, connect: Connect) -> None:
    shim = connect()
    talk = daemon.accept()
    shim.request(1, "subscriptions/listen")
    talk.receive()
    assert shim.finish() == 0


def test_when_stdin_closes_nobody_waits_for_what_was_refused_under_another_id(
    daemon: FakeDaemon, connect: Connect
) -> None:
    shim = connect()
    talk = daemon.accept()
    shim.request("x" * 5000, "tools/call")
    talk.receive()
    talk.send({"jsonrpc": "2.0", "id": None, "error": {"code": -32600, "message": "too long"}})
    assert shim.receive()["error"]["message"] == "too long"
    assert shim.finish() == 0


def test_an_id_in_flight_is_refused_between_two_lines_of_the_daemon(daemon: FakeDaemon, connect: Connect) -> None:
    shim = connect()
    talk = daemon.accept()
    shim.request(7, "tools/call", name="slow")
    talk.receive()
    talk.sock.sendall(b'{"jsonrpc":"2.0","method":"notifications/x",')
    assert shim.stdout.read(5) == b'{"jso'
    shim.request(7, "tools/call", name="again")
    shim.request(8, "ping")
    assert talk.receive()["id"] == 8
    talk.sock.sendall(b'"params":{}}\n')
    assert shim.stdout.readline().endswith(b'"params":{}}\n')
    refusal = shim.receive()
    assert (refusal["id"], refusal["error"]["code"]) == (7, -32600)
    talk.answer({"id": 7}, {"done": True})
    assert shim.receive()["result"] == {"done": True}


def test_a_last_line_without_newline_is_a_message_too(daemon: FakeDaemon, connect: Connect) -> None:
    shim = connect()
    talk = daemon.accept()
    shim.stdin.write(b'{"jsonrpc":"2.0","method":"notifications/x"}')
    shim.stdin.close()
    assert talk.receive()["method"] == "notifications/x"


def test_when_the_client_is_gone_the_shim_leaves(daemon: FakeDaemon, connect: Connect) -> None:
    shim = connect()
    talk = daemon.accept()
    shim.request(1, "tools/call", name="slow")
    talk.receive()
    shim.stdout.close()
    shim.stdin.close()
    assert shim.process.wait(20) == 0


def test_large_messages_both_ways_at_once_while_nobody_reads_do_not_block(daemon: FakeDaemon, connect: Connect) -> None:
    """The client reads only after it has written everything, and the daemon likewise: buffers must give way in turn."""
    shim = connect()
    talk = daemon.accept()
    body = "x" * 8_000_000
    writer = threading.Thread(target=shim.request, args=(1, "tools/call"), kwargs={"name": body})
    writer.start()
    answerer = threading.Thread(target=talk.send, args=({"jsonrpc": "2.0", "method": "n", "params": body},))
    answerer.start()
    assert talk.receive()["params"]["name"] == body
    assert shim.receive()["params"] == body
    writer.join()
    answerer.join()


class TestLosingTheDaemon:
    def test_a_call_in_flight_is_answered_with_an_error_that_says_it_may_have_run(
        self, daemon: FakeDaemon, connect: Connect
    ) -> None:
        shim = connect()
        talk = daemon.accept()
        shim.request("a", "tools/call", name="pay")
        talk.receive()
        talk.close()
        answer = shim.receive()
        assert answer["id"] == "a"
        assert "may or may not have run" in answer["error"]["message"]

    def test_the_shim_rejoins_and_repeats_the_handshake_without_the_client_noticing(
        self, daemon: FakeDaemon, connect: Connect
    ) -> None:
        shim = connect()
        talk = daemon.accept()
        shake_hands(shim, talk)
        talk.close()
        again = daemon.accept()
        replayed = again.receive()
        assert (replayed["method"], replayed["params"]) == ("initialize", INITIALIZE)
        again.answer(replayed, {"protocolVersion": "2025-11-25"})
        assert again.receive()["method"] == "notifications/initialized"
        shim.request(5, "tools/call", name="x")
        again.answer(again.receive(), {"fine": 1})
        assert shim.receive() == {"jsonrpc": "2.0", "id": 5, "result": {"fine": 1}}

    def test_log_level_and_subscriptions_are_set_again(self, daemon: FakeDaemon, connect: Connect) -> None:
        shim = connect()
        talk = daemon.accept()
        shake_hands(shim, talk)
        for number, (method, params) in enumerate(
            [("logging/setLevel", {"level": "info"}), ("resources/subscribe", {"uri": "a:b"})], start=1
        ):
            shim.request(number, method, **params)
            talk.answer(talk.receive(), {})
            shim.receive()
        talk.close()
        again = daemon.accept()
        again.answer(again.receive(), {"protocolVersion": "2025-11-25"})
        again.receive()
        seen: list[dict[str, Any]] = []
        for _ in range(2):
            seen.append(request := again.receive())
            again.answer(request, {})
        assert [(s["method"], s["params"]) for s in seen] == [
            ("logging/setLevel", {"level": "info"}),
            ("resources/subscribe", {"uri": "a:b"}),
        ]

    def test_an_open_subscription_is_opened_again(self, daemon: FakeDaemon, connect: Connect) -> None:
        shim = connect()
        talk = daemon.accept()
        shim.request("s", "subscriptions/listen", notifications={"toolsListChanged": True})
        asked = talk.receive()
        talk.close()
        assert daemon.accept().receive() == asked

    def test_a_lost_list_is_asked_again_once(self, daemon: FakeDaemon, connect: Connect) -> None:
        shim = connect()
        talk = daemon.accept()
        shim.request(3, "tools/list")
        talk.receive()
        talk.close()
        again = daemon.accept()
        assert again.receive()["method"] == "tools/list"
        again.close()
        assert shim.receive()["error"]

    def test_an_answer_already_written_by_the_dying_daemon_counts(self, daemon: FakeDaemon, connect: Connect) -> None:
        shim = connect()
        talk = daemon.accept()
        shim.request(1, "tools/call", name="x")
        talk.answer(talk.receive(), {"done": 1})
        talk.close()
        assert shim.receive()["result"] == {"done": 1}

    def test_an_answer_broken_off_half_way_does_not_spoil_the_error_after_it(
        self, daemon: FakeDaemon, connect: Connect
    ) -> None:
        shim = connect()
        talk = daemon.accept()
        shim.request(1, "tools/call", name="x")
        talk.receive()
        talk.sock.sendall(b'{"jsonrpc":"2.0","id":1,"result":{"half')
        talk.close()
        shim.stdout.readline()
        assert shim.receive()["error"]["code"] == -32011

    def test_a_question_of_the_lost_daemon_is_withdrawn_and_its_late_answer_goes_nowhere(
        self, daemon: FakeDaemon, connect: Connect
    ) -> None:
        shim = connect()
        talk = daemon.accept()
        talk.send({"jsonrpc": "2.0", "id": "q1", "method": "elicitation/create", "params": {}})
        assert shim.receive()["id"] == "q1"
        talk.close()
        withdrawn = shim.receive()
        assert (withdrawn["method"], withdrawn["params"]["requestId"]) == ("notifications/cancelled", "q1")
        again = daemon.accept()
        shim.send({"jsonrpc": "2.0", "id": "q1", "result": {"action": "accept"}})
        shim.request(9, "tools/call", name="x")
        assert again.receive()["id"] == 9

    def test_after_an_orderly_stop_nothing_is_rejoined_until_the_client_asks(
        self, daemon: FakeDaemon, connect: Connect
    ) -> None:
        shim = connect()
        talk = daemon.accept()
        talk.send({"mcpool": 1, "bye": "stop"})
        talk.close()
        shim.request(1, "ping")
        again = daemon.accept()
        again.answer(again.receive(), {})
        assert shim.receive() == {"jsonrpc": "2.0", "id": 1, "result": {}}

    def test_when_the_daemon_says_that_it_is_over_the_shim_ends_and_says_why(
        self, daemon: FakeDaemon, connect: Connect
    ) -> None:
        shim = connect()
        talk = daemon.accept()
        talk.send({"mcpool": 1, "bye": "end", "reason": "`git` was removed from the configuration"})
        assert shim.process.wait(20) == 0
        assert shim.stdout.read() == b""
        assert b"was removed" in shim.stderr.read()


class TestBeingRefused:
    def test_the_reason_is_one_line_on_stderr_and_the_answer_to_initialize(
        self, daemon: FakeDaemon, connect: Connect
    ) -> None:
        shim = connect("nope")
        shim.request(0, "initialize", **INITIALIZE)
        daemon.accept(mcpool=1, version="0", ok=False, error="no server is named `nope`;\nconfigured: git")
        answer = shim.receive()
        assert (answer["id"], answer["error"]["message"]) == (0, "no server is named `nope`;\nconfigured: git")
        assert shim.process.wait(20) == 2
        assert shim.stderr.read() == b"mcpool connect: no server is named `nope`; configured: git\n"

    def test_a_daemon_of_another_protocol_is_named_with_the_remedy(self, daemon: FakeDaemon, connect: Connect) -> None:
        shim = connect()
        shim.stdin.close()
        daemon.accept(mcpool=2, version="9.0", ok=True)
        assert shim.process.wait(20) == 3
        assert b"mcpool 9.0 and speaks protocol 2" in shim.stderr.read()

    @pytest.mark.parametrize("arguments", [("a", "b"), ("--frobnicate",)])
    def test_wrong_usage_is_one_sentence(self, connect: Connect, arguments: tuple[str, ...]) -> None:
        shim = connect(*arguments)
        assert shim.process.wait(20) == 2
        assert shim.stderr.read().count(b"\n") == 1


def test_nothing_heavy_is_imported(home: Path) -> None:
    """The shim is started once per client and server: standard library only, and the small part of it."""
    code = (
        "import sys; before = set(sys.modules)\n"
        "from mcpool.cli import main; import mcpool.cli.connect, mcpool.cli.relay, mcpool.gateway.starting\n"
        "new = {name.partition('.')[0] for name in set(sys.modules) - before}\n"
        "print(*sorted(new - set(sys.stdlib_module_names)))\n"
        "print(*sorted({'asyncio', 'argparse', 'subprocess', 'threading', 'logging', 'hashlib'} & set(sys.modules)))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=os.environ)
    assert run.stdout == "mcpool\n\n"

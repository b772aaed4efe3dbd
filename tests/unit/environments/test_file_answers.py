"""What an executor says of names that are no text."""

from __future__ import annotations

import json
import os
from pathlib import Path

from mcpool.environments import protocol
from mcpool.environments.exec_server.file_answers import FileAnswers
from mcpool.environments.file_uri import to_uri

NAME = os.fsdecode(b"a\xff")


async def test_a_folder_that_holds_one_can_be_listed(tmp_path: Path) -> None:
    (tmp_path / NAME).touch()
    folder = await FileAnswers().list(protocol.Path(to_uri(str(tmp_path))))
    assert json.loads(protocol.answer(1, folder))["result"]["entries"][0]["fileName"] == "a\N{REPLACEMENT CHARACTER}"


def test_a_refusal_can_name_one() -> None:
    refusal = json.loads(protocol.refusal(1, protocol.INVALID_REQUEST, f"no {NAME}"))
    assert refusal["error"]["message"] == "no a\N{REPLACEMENT CHARACTER}"

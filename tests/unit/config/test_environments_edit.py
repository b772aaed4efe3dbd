"""Adding to and taking from the text of `environments.toml`."""

from __future__ import annotations

import pytest

from mcpool.config.environments_edit import known_environments, with_environment, without_environment

FILE = """\
# mine

# the first
[environments.one]
url = "ws://1"  # here

# the second
[environments.two]
url = "ws://2"

[environments.two.headers]
X-Team = "a"
# the third
[environments.three]
url = "ws://3"
# the end
"""


@pytest.mark.parametrize("id", ["one", "two", "three"])
def test_one_that_is_removed_takes_its_own_lines_alone(id: str) -> None:
    after = without_environment(FILE, id)
    assert known_environments(after) == tuple(one for one in ("one", "two", "three") if one != id)
    comments = [line for line in FILE.splitlines() if line.startswith("#")]
    assert [line for line in after.splitlines() if line.startswith("#")] == comments


def test_nothing_else_moves_when_one_is_removed() -> None:
    own = '[environments.two]\nurl = "ws://2"\n\n[environments.two.headers]\nX-Team = "a"\n'
    assert without_environment(FILE, "two") == FILE.replace(own, "\n")


def test_one_that_was_added_is_removed_without_a_trace() -> None:
    added = with_environment(FILE, "four", {"url": "ws://4"})
    assert without_environment(added, "four").rstrip("\n") == FILE.rstrip("\n")


def test_the_last_one_leaves_nothing_that_is_wrong() -> None:
    only = with_environment("", "one", {"url": "ws://1"})
    assert known_environments(without_environment(only, "one")) == ()


@pytest.mark.parametrize(
    "text",
    [
        'environments = { one = { url = "ws://1" }, two = { url = "ws://2" } }\n',
        '[environments]\none = { url = "ws://1" }\ntwo = { url = "ws://2" }\n',
        '[environments]\none.url = "ws://1"\ntwo.url = "ws://2"\n',
        '[environments]\ntwo.url = "ws://2"\none.url = "ws://1"\n[environments.one.headers]\nX-Team = "a"\n',
        '\ufeff[environments.one]\r\nurl = "ws://1"\r\n[environments.two]\r\nurl = "ws://2"\r\n',
    ],
)
def test_however_it_is_written_it_is_removed(text: str) -> None:
    assert known_environments(without_environment(text, "one")) == ("two",)

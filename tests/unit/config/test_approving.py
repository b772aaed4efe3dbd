"""An approval written into our file: it is there afterwards, and nothing else is touched."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcpool.config.approving import connection_of, with_approval
from mcpool.errors import ConfigError

DIGEST = "ab" * 32
APPROVED = {"approval_mode": "approve", "approved_definition": f"sha256:{DIGEST}"}
LINE = f'approved_definition = "sha256:{DIGEST}"'


def approved(text: str) -> str:
    servers = tomllib.loads(text.removeprefix("\ufeff"))["mcp_servers"]
    return with_approval(text, "git", "push", DIGEST, connection=connection_of(servers["git"]))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        # The tool is not there yet: a table at the end, where it comes between nothing.
        (
            '[mcp_servers.git]\ncommand = "git-mcp"  # ours\n\n# the browser\n[mcp_servers.browser]\ncommand = "b"',
            '[mcp_servers.git]\ncommand = "git-mcp"  # ours\n\n# the browser\n[mcp_servers.browser]\ncommand = "b"\n'
            f'\n[mcp_servers.git.tools.push]\napproval_mode = "approve"\n{LINE}\n',
        ),
        # It is: its mode changes in its line, and the digest goes below.
        (
            '[mcp_servers.git]\n[mcp_servers.git.tools.push]  # careful\napproval_mode = "prompt"  # why\n'
            "\n# next\n[daemon]\n",
            '[mcp_servers.git]\n[mcp_servers.git.tools.push]  # careful\napproval_mode = "approve"  # why\n'
            f"{LINE}\n\n# next\n[daemon]\n",
        ),
        (
            '[mcp_servers.git]\n[mcp_servers.git.tools.push]\nretry = "never"\n\n# next\n[daemon]\n',
            f'[mcp_servers.git]\n[mcp_servers.git.tools.push]\napproval_mode = "approve"\n{LINE}\nretry = "never"\n\n'
            "# next\n[daemon]\n",
        ),
        # Both are: only values change.
        (
            '[mcp_servers.git.tools.push]\napproved_definition = "sha256:old" # a\nretry = "safe"\n'
            'approval_mode="approve" # b\n',
            f'[mcp_servers.git.tools.push]\n{LINE} # a\nretry = "safe"\napproval_mode="approve" # b\n',
        ),
        # Dotted keys stay dotted.
        (
            '[mcp_servers.git]\n  tools.push.approval_mode = "prompt" # why\n'
            '  tools.push.retry = "never"\n# end\n[daemon]\n',
            '[mcp_servers.git]\n  tools.push.approval_mode = "approve" # why\n'
            f'  tools.push.{LINE}\n  tools.push.retry = "never"\n# end\n[daemon]\n',
        ),
        (
            'mcp_servers.git.tools.push.approval_mode = "auto"\nport = 1\n',
            f'mcp_servers.git.tools.push.approval_mode = "approve"\nmcp_servers.git.tools.push.{LINE}\nport = 1\n',
        ),
    ],
)
def test_it_is_written_where_it_belongs(before: str, after: str) -> None:
    assert approved(before) == after
    assert approved(after) == after


@pytest.mark.parametrize(
    "text",
    [
        'mcp_servers = { git = { command = "x" } } # all in one\n[daemon]\nport = 1\n',
        '[mcp_servers.git]\ncommand = "x"\ntools = { push = { retry = "never" }, pull = {} } # inline\n# end\n',
        '[mcp_servers.git]\ncommand = "x"\ntools = {} # inline\n# end\n',
        '[mcp_servers.git]\n[mcp_servers.git.tools]\npush = { retry = "never" } # inline\n# end\n[daemon]\n',
        '[mcp_servers.git.tools.pull]\nretry = "never"\n[daemon]\nport = 1\n[mcp_servers.other]\n# out of order\n',
        "[mcp_servers.git]\ntools.pull.approval_mode = 'prompt'\n[mcp_servers.git.env]\nA = '''\n[x]\n'''\n",
    ],
)
def test_however_the_file_is_written_the_approval_is_there_and_every_comment(text: str) -> None:
    after = approved(text)
    tools = tomllib.loads(after)["mcp_servers"]["git"]["tools"]
    assert {key: tools["push"][key] for key in APPROVED} == APPROVED
    assert [line for line in text.splitlines() if line.startswith("#")] == [
        line for line in after.splitlines() if line.startswith("#")
    ]


def test_line_ends_and_a_byte_order_mark_stay() -> None:
    text = '\ufeff[mcp_servers.git]\r\ncommand = "x"\r\n'
    after = approved(text)
    assert after.startswith(text)
    assert after.count("\n") == after.count("\r\n") == 6


tables = st.dictionaries(
    st.sampled_from(["push", "pull", "a b"]),
    st.fixed_dictionaries({}, optional={"approval_mode": st.just("prompt"), "retry": st.just("never")}),
)


@given(
    tool=st.text(st.characters(codec="utf-8"), max_size=12), before=tables, comment=st.sampled_from(["", "# mine\n"])
)
def test_a_tool_of_any_name_can_be_approved_in_a_file_of_any_tables(
    tool: str, before: dict[str, dict[str, str]], comment: str
) -> None:
    text = f'[mcp_servers.git]\ncommand = "x"\n{comment}'
    for known, settings in before.items():
        text += f'[mcp_servers.git.tools."{known}"]\n' + "".join(f'{key} = "{v}"\n' for key, v in settings.items())
    expected: dict[str, Any] = tomllib.loads(text)
    after = with_approval(text, "git", tool, DIGEST, connection={"command": "x"})
    expected["mcp_servers"]["git"].setdefault("tools", {}).setdefault(tool, {}).update(APPROVED)
    assert tomllib.loads(after) == expected
    assert comment in after


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "`git` is described differently by now"),
        ('[mcp_servers.other]\ncommand = "x"\n', "`git` is described differently by now"),
        ('[mcp_servers.git]\ncommand = "y"\n', "`git` is described differently by now"),
        ('[mcp_servers.git]\ncommand = "x"\nargs = ["a"]\n', "`git` is described differently by now"),
        ('[mcp_servers.git]\ncommand = "x"\nenvironment_id = "box"\n', "`git` is described differently by now"),
        ("[mcp_servers", "is not valid TOML"),
        ("mcp_servers = 3", "`mcp_servers` must be a table"),
        ('[mcp_servers.git]\ncommand = "x"\ntools = 3', "`tools` must be a table"),
        ('[mcp_servers.git]\ncommand = "x"\ntools.push.approval_mode = {}', "`approval_mode` of `push` must be text"),
    ],
)
def test_what_cannot_be_written_is_told(text: str, complaint: str) -> None:
    with pytest.raises(ConfigError, match=complaint):
        with_approval(text, "git", "push", DIGEST, connection={"command": "x"})


def test_other_settings_of_the_server_may_change_meanwhile() -> None:
    text = '[mcp_servers.git]\ncommand = "x"\ntool_timeout_sec = 7\n'
    assert with_approval(text, "git", "push", DIGEST, connection={"command": "x"}).startswith(text)


@pytest.mark.parametrize("odd", ["\u2028", "\x85"])
def test_what_only_some_take_for_a_line_end_is_none(odd: str) -> None:
    text = f'# a{odd}b\n[mcp_servers.git.tools.push]\napproval_mode = "auto" # c{odd}d\n# e{odd}f\n[daemon]\n'
    changed = text.replace('"auto"', '"approve"').replace("# e", f"{LINE}\n# e")
    assert approved(text) == changed

"""Codex files of any order and form: written into, and taken back."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from mcpool.clients.change import Change, Changes
from mcpool.clients.known import CONNECTION
from mcpool.clients.planning import Entry, plan_undo
from mcpool.clients.rewriting import data_of, rewritten
from mcpool.config.table import as_table

FILE = Path("/home/ada/.codex/config.toml")
PUT: dict[str, object] = {"command": "/usr/bin/mcpool", "args": ["connect", "git"], "env": {"MCPOOL_HOME": "/srv"}}

SERVERS = (
    '[mcp_servers.git] # theirs\ncommand = "uvx"\nargs = [\n  "mcp-server-git", # a comment\n]\n',
    '[mcp_servers.docs]\nurl = "https://example.com/mcp"\n# below\nstartup_timeout_sec = 20\n',
    '[ mcp_servers . "a b" ]\ncommand = \'x\'\n\n[mcp_servers."a b".env]\nKEY = "v" # secret\n\n',
    '[mcp_servers.deep.tools.one]\napproval_mode = "prompt"\n\n[mcp_servers.deep]\ncommand = "d"\nenv = { A = "" }\n',
    '  [mcp_servers.indented]\n  command = "i"\n  env.B = "2"\n',
)
OTHERS = (
    '[tui]\ntheme = "dark" # mine\n',
    '# about what follows\n[[profiles_list]]\nname = """\na\nb"""\n',
    '[projects."/home/ada/web"]\ntrust_level = "trusted"\n\n\n',
    "[features]\nx = true\n#last\n",
)


@st.composite
def files(draw: st.DrawFn) -> str:
    """Any of the parts in any order: servers need not stand together."""
    parts = draw(st.lists(st.sampled_from((*SERVERS, *OTHERS)), unique=True))
    head = draw(st.sampled_from(["", 'model = "x"\n', "# top\n\n"]))
    text = head + draw(st.sampled_from(["", "\n"])).join(parts)
    text = draw(st.sampled_from([text, text.rstrip("\n")]))
    return draw(st.sampled_from([text, text.replace("\n", "\r\n")]))


def installed(text: str) -> tuple[str, list[Entry]]:
    servers = as_table(data_of(FILE, text).get("mcp_servers", {})) or {}
    ours = [Entry(("mcp_servers", name), "git", PUT) for name in (*servers, "another")]
    return rewritten(FILE, text, Changes([Change(entry.path, PUT, CONNECTION) for entry in ours])), ours


def comments(text: str) -> list[str]:
    return sorted(line.partition("#")[2].strip() for line in text.splitlines() if "#" in line)


@given(files())
def test_whatever_its_order_only_the_servers_change(text: str) -> None:
    before, after = data_of(FILE, text), data_of(FILE, installed(text)[0])
    assert {**before, "mcp_servers": None} == {**after, "mcp_servers": None}


@given(files())
def test_whatever_its_order_it_is_as_it_was_but_for_the_change(text: str) -> None:
    written, ours = installed(text)
    changed = f"# changed\n{written}"
    plan = plan_undo(data_of(FILE, changed), data_of(FILE, text), text, ours)
    back = rewritten(FILE, changed, plan.changes)
    assert data_of(FILE, back) == data_of(FILE, text)


@given(files())
def test_comments_outside_of_what_is_replaced_stay(text: str) -> None:
    kept = {"mine", "about what follows", "last", "top", "theirs", "below"}
    left = set(comments(installed(text)[0]))
    assert set(comments(text)) & kept <= left

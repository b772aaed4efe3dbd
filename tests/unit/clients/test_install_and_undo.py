"""Entries written into clients' files, and taken back: as text, without touching a disk."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path

import pytest

from mcpool.clients.change import look_up
from mcpool.clients.known import CLIENTS, Client, Launch, Place, server_reached
from mcpool.clients.planning import Entry
from mcpool.clients.record import Record, digest_of
from mcpool.clients.rewriting import parsed
from mcpool.clients.target import Target, undone
from mcpool.config.problem import KeyPath
from mcpool.config.shapes import find_entries
from mcpool.config.table import as_table
from mcpool.errors import ConfigError
from unit.clients.files import CLAUDE_CODE, CODEX, CURSOR, FORMS, SAMPLES, VSCODE

OURS = ["git", "extra", "notes"]
"""What mcpool is configured with."""
PLACE = Place(Path("/home/ada"), {}, "linux")


def client(name: str) -> Client:
    return next(each for each in CLIENTS if each.name == name)


@dataclass(frozen=True)
class Installed:
    file: Path
    before: bytes
    after: bytes
    entries: tuple[Entry, ...]
    notes: tuple[str, ...] = ()

    @property
    def record(self) -> Record:
        return Record("a client", self.file, self.before, digest_of(self.after), self.entries)

    def undone_in(self, text: str) -> str:
        content = undone(text.encode(), self.record).content
        assert content is not None
        return content.decode()


def remark(name: str) -> str:
    """What somebody adds to a client's file afterwards."""
    return "\n# a remark\n" if name == "codex" else "\n// a remark\n"


def installed(name: str, text: str, *, url: bool = False) -> Installed:
    which = client(name)
    file = which.files(PLACE)[0]
    before = text.encode()
    target = Target(which, file, before, before, None, parsed(file, text).data)
    taken: dict[KeyPath, str] = {}
    document = parsed(file, text)
    for raw in find_entries(document, document.report()):
        entry = as_table(raw.value) or {}
        if entry.get("type") != "sse" and "settings" not in entry:
            taken[raw.path] = raw.name.replace(" ", "-")

    def entry_for(server: str) -> dict[str, object]:
        if url and which.visited is not None:
            return which.visited(f"http://127.0.0.1:8377/mcp/{server}", {"Authorization": "Bearer secret"})
        return which.started(Launch("/usr/bin/mcpool", ("connect", server), (("MCPOOL_HOME", "/srv/pool"),)))

    plan = target.plan(taken, [*OURS, *(name for name in taken.values() if name not in OURS)], entry_for)
    return Installed(file, before, target.written(plan), plan.entries, plan.notes)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("sample", SAMPLES)
def test_every_entry_is_ours_and_all_else_is_as_it_was(sample: str, form: str) -> None:
    name, text = SAMPLES[sample]
    text = FORMS[form](text)
    done = installed(name, text)
    data = parsed(done.file, done.after.decode()).data
    container = client(name).container(parsed(done.file, text).data)
    for entry in done.entries:
        assert server_reached(as_table(look_up(data, entry.path)) or {}) == entry.server
    names = as_table(look_up(data, container)) or {}
    assert set(OURS) <= {server_reached(as_table(entry) or {}) for entry in names.values()}
    old = {(*container, key) for key in as_table(look_up(parsed(done.file, text).data, container)) or {}}
    assert old <= {(*container, key) for key in names}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("sample", SAMPLES)
def test_unchanged_since_it_is_byte_for_byte_what_it_was(sample: str, form: str) -> None:
    name, text = SAMPLES[sample]
    done = installed(name, FORMS[form](text))
    outcome = undone(done.after, done.record)
    assert outcome.content == done.before
    assert outcome.exact


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("sample", SAMPLES)
def test_changed_since_it_means_what_it_meant_with_the_change(sample: str, form: str) -> None:
    name, text = SAMPLES[sample]
    text = FORMS[form](text)
    done = installed(name, text)
    mark = remark(name)
    back = done.undone_in(done.after.decode() + mark)
    assert back.endswith(mark)
    assert parsed(done.file, back).data == parsed(done.file, text).data


@pytest.mark.parametrize("sample", [sample for sample in SAMPLES if "," not in sample])
def test_changed_since_what_was_written_by_hand_comes_back_as_it_was_written(sample: str) -> None:
    name, text = SAMPLES[sample]
    done = installed(name, text)
    mark = remark(name)
    assert done.undone_in(done.after.decode() + mark) == text + mark


@pytest.mark.parametrize("name", ["claude-code", "codex", "cursor", "vscode", "gemini", "zed"])
def test_by_url_and_back(name: str) -> None:
    text = SAMPLES[name][1]
    done = installed(name, text, url=True)
    assert "http://127.0.0.1:8377/mcp/git" in done.after.decode()
    mark = remark(name)
    assert parsed(done.file, done.undone_in(done.after.decode() + mark)).data == parsed(done.file, text).data


def test_a_clients_own_choices_and_comments_stay_in_its_entry() -> None:
    after = installed("cursor", CURSOR).after.decode()
    assert '"alwaysAllow": ["git_status"]' in after
    assert "// odd order" not in after or '"args"' in after
    assert "// the company's" in after
    assert "startup_timeout_sec = 20 # slow disk" in installed("codex", CODEX).after.decode()


def test_what_is_added_looks_like_the_rest() -> None:
    after = installed("vscode", VSCODE).after.decode()
    assert '\n\t\t"extra": {\n\t\t\t"type": "stdio",\n' in after
    assert after.count("// last") == 1
    assert installed("cursor", SAMPLES["cursor, one line"][1]).after.count(b"\n") == 0


def test_a_server_of_one_project_is_taken_over_where_it_stands() -> None:
    data = parsed(Path("x.json"), installed("claude-code", CLAUDE_CODE).after.decode()).data
    entry = as_table(look_up(data, ("projects", "/home/ada/web", "mcpServers", "db"))) or {}
    assert server_reached(entry) == "db"


def test_what_mcpool_cannot_run_stays_and_is_named() -> None:
    done = installed("claude-code", CLAUDE_CODE)
    assert '"url": "https://example.com/sse"' in done.after.decode()
    assert any("`old` stays" in note for note in done.notes)


def test_a_key_that_was_added_to_our_entry_moves_to_the_old_one() -> None:
    done = installed("claude-code", CLAUDE_CODE)
    edited = done.after.decode().replace(
        '"/usr/bin/mcpool",\n      "args": ["connect", "git"],',
        '"/opt/mcpool",\n      "args": ["connect", "git"],\n      "timeout": 60,',
    )
    assert '"timeout": 60' in edited
    git = as_table(look_up(parsed(done.file, done.undone_in(edited)).data, ("mcpServers", "git")))
    assert git == {"type": "stdio", "command": "uvx", "args": ["mcp-server-git"], "env": {}, "timeout": 60}


def test_an_entry_that_somebody_made_another_server_stays() -> None:
    done = installed("codex", CODEX)
    edited = done.after.decode().replace('args = ["connect", "extra"]', 'args = ["--other"]')
    outcome = undone(edited.encode(), done.record)
    assert outcome.left == (("mcp_servers", "extra"),)
    assert "extra" in tomllib.loads((outcome.content or b"").decode())["mcp_servers"]


def test_an_entry_that_somebody_removed_stays_removed() -> None:
    done = installed("gemini", SAMPLES["gemini"][1])
    lines = done.after.decode().replace('"search": {', '"gone": {"command": "x"}, "unused": {')
    back = parsed(done.file, done.undone_in(lines)).data
    assert "search" not in (as_table(back["mcpServers"]) or {})


def test_a_client_that_writes_its_file_anew_keeps_what_it_wrote() -> None:
    import json

    done = installed("claude-code", CLAUDE_CODE)
    data = json.loads(done.after)
    data["numStartups"] += 1
    back = done.undone_in(json.dumps(data, indent=2, ensure_ascii=False) + "\n")
    assert back == CLAUDE_CODE.replace("212", "213")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("cursor", "{"),
        ("cursor", "[1]"),
        ("cursor", "\x00\x01"),
        ("cursor", '{"mcpServers": [1]}'),
        ("cursor", '{"mcpServers": "no"}'),
        ("cursor", "[" * 100_000),
        ("cursor", '{"a":' * 5_000 + "1" + "}" * 5_000),
        ("codex", "mcp_servers = 3"),
        ("codex", "[["),
        ("codex", "mcp_servers.git = 3"),
    ],
)
def test_garbage_is_an_error_that_names_the_file(name: str, text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        installed(name, text)
    assert str(client(name).files(PLACE)[0]) in str(caught.value)


def test_a_key_written_twice_counts_as_the_client_counts_it() -> None:
    text = '{"mcpServers": {"git": {"command": "a"}, "git": {"command": "b", "timeout": 1}}}'
    done = installed("cursor", text)
    data = parsed(done.file, done.after.decode()).data
    assert server_reached(as_table(look_up(data, ("mcpServers", "git"))) or {}) == "git"
    assert undone(done.after, done.record).content == text.encode()

"""What is remembered of approvals."""

from __future__ import annotations

from dataclasses import replace

from mcpool.backend.tools import Annotations, ToolDefinition
from mcpool.config.server import ServerConfig, Stdio
from mcpool.runtime.remembered import MAX_KEPT, RememberedApprovals, approval_key

SERVER = ServerConfig("git", Stdio("git-mcp", env=(("TOKEN", "s3cret"),)))
TOOL = ToolDefinition("push", b'{"name":"push"}', Annotations())


def test_an_approval_is_for_this_tool_as_it_is() -> None:
    remembered = RememberedApprovals()
    remembered.add(approval_key(SERVER, TOOL))
    assert approval_key(replace(SERVER, tool_timeout=5.0), TOOL) in remembered
    assert approval_key(SERVER, replace(TOOL, name="pull")) not in remembered
    assert approval_key(SERVER, replace(TOOL, raw=b'{"name":"push","description":"more"}')) not in remembered
    assert approval_key(replace(SERVER, name="other"), TOOL) not in remembered
    assert approval_key(replace(SERVER, transport=Stdio("another-program")), TOOL) not in remembered


def test_the_oldest_go_first() -> None:
    remembered = RememberedApprovals()
    keys = [approval_key(SERVER, replace(TOOL, name=str(number))) for number in range(MAX_KEPT + 1)]
    for key in (*keys[:2], keys[0], *keys[2:]):
        remembered.add(key)
    assert len(remembered) == MAX_KEPT
    assert (keys[0] in remembered, keys[1] in remembered) == (True, False)
    remembered.clear()
    assert len(remembered) == 0


def test_it_shows_no_secret() -> None:
    remembered = RememberedApprovals()
    remembered.add(approval_key(SERVER, TOOL))
    assert repr(remembered) == "<RememberedApprovals [git/push]>"
    assert "s3cret" not in repr(approval_key(SERVER, TOOL))

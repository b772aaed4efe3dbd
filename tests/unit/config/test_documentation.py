"""The page about configuration has every key, and its example is right."""

from __future__ import annotations

import re
from pathlib import Path

from mcpool.config import Config, load
from mcpool.config.keys import KEYS
from mcpool.config.model import DaemonConfig

PAGE = (Path(__file__).parents[3] / "docs" / "configuration.md").read_text()


def test_the_page_has_every_key() -> None:
    documented = set(re.findall(r"`([a-z_.A-Z]+)`", PAGE))
    keys = {key.name for key in KEYS if key.name != "tools"}

    assert keys | {"tools.TOOL.approval_mode", "tools.TOOL.retry", "port", "idle_exit_sec"} <= documented


def test_the_example_of_the_page_is_without_problems(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text(PAGE.split("```toml\n")[1].split("```")[0])
    (tmp_path / "config.toml").chmod(0o600)

    config = load(None, home=tmp_path, environ={"HOME": "/home/ada"}, secret=lambda _: "t")

    assert config.problems == ()
    assert [server.name for server in config.servers] == ["git", "files", "github", "browser"]
    assert config.daemon == DaemonConfig() == Config().daemon

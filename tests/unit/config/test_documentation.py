"""The page about configuration has every key, and its example is right."""

from __future__ import annotations

import re
from pathlib import Path

import mcpool.config
from mcpool.config import Config, load
from mcpool.config.keys import KEYS
from mcpool.config.model import DaemonConfig

PAGE = (Path(__file__).parents[3] / "docs" / "configuration.md").read_text()


def test_the_page_has_every_key() -> None:
    documented = set(re.findall(r"`([a-z_.A-Z]+)`", PAGE))
    keys = {key.name for key in KEYS if key.name != "tools"}

    of_tools = {f"tools.TOOL.{name}" for name in ("approval_mode", "approved_definition", "retry")}
    assert keys | of_tools | {"port", "idle_exit_sec"} <= documented


def test_the_example_of_the_page_is_without_problems(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text(PAGE.split("```toml\n")[1].split("```")[0])
    (tmp_path / "config.toml").chmod(0o600)

    config = load(None, home=tmp_path, environ={"HOME": "/home/ada"}, secret=lambda _: "t")

    assert config.problems == ()
    assert [server.name for server in config.servers] == ["git", "files", "github", "browser"]
    assert config.daemon == DaemonConfig() == Config().daemon


def test_keys_that_the_page_says_have_no_effect_have_none() -> None:
    package = Path(mcpool.config.__file__).parents[1]
    # What only tells one connection from another does nothing by itself.
    passive = {*(package / "config").rglob("*.py"), package / "catalog" / "identity.py"}
    text = "\n".join(path.read_text() for path in package.rglob("*.py") if path not in passive)
    rest = re.sub(r"(?m)^ *(from|import) .*", "", text)

    marked = set(re.findall(r"`([a-z_.]+)` †", PAGE))
    used = {key.name for key in KEYS if key.name in marked and re.search(rf"\.{key.field}\b(?!\.)", rest)}

    assert used == set()

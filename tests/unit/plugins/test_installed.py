"""Plugins that the user installed: copies and links, in their order, for the user alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from mcpool.errors import ConfigError
from mcpool.plugins.installed import InstalledPlugins
from support.plugin_folder import plugin


@pytest.fixture
def installed(tmp_path: Path) -> InstalledPlugins:
    (tmp_path / "home").mkdir()
    return InstalledPlugins(tmp_path / "home")


def names(installed: InstalledPlugins) -> list[str]:
    return [found.name for found in installed.all()]


def test_a_copy_stays_as_it_is_and_a_link_changes_with_its_folder(tmp_path: Path, installed: InstalledPlugins) -> None:
    source = plugin(tmp_path / "kit", skills={"a": "A"})
    copy = installed.add(source, "copy", link=False)
    link = installed.add(source, "link", link=True)
    (source / "new").touch()
    assert not (copy.folder / "new").exists()
    assert (link.folder, link.linked) == (source, True)
    assert (copy.folder / "skills" / "a" / "SKILL.md").exists()


def test_nobody_else_can_look_into_them(tmp_path: Path, installed: InstalledPlugins) -> None:
    installed.add(plugin(tmp_path / "kit"), "kit", link=False)
    assert installed.all()[0].folder.parent.stat().st_mode & 0o077 == 0
    assert installed.record.stat().st_mode & 0o077 == 0
    assert installed.data("kit").stat().st_mode & 0o077 == 0


def test_another_version_takes_the_place_of_the_one_before_and_keeps_what_its_servers_kept(
    tmp_path: Path, installed: InstalledPlugins
) -> None:
    source = plugin(tmp_path / "kit")
    for name in ("a", "b"):
        installed.add(source, name, link=False)
    (installed.data("a") / "kept").touch()
    (source / "new").touch()
    again = installed.add(source, "a", link=False)
    assert (again.folder / "new").exists()
    assert (installed.data("a") / "kept").exists()
    assert names(installed) == ["a", "b"]


def test_a_plugin_that_is_removed_leaves_nothing_and_a_link_leaves_its_folder(
    tmp_path: Path, installed: InstalledPlugins
) -> None:
    source = plugin(tmp_path / "kit")
    copy = installed.add(source, "copy", link=False)
    installed.add(source, "link", link=True)
    assert installed.remove("copy")
    assert installed.remove("link")
    assert not installed.remove("link")
    assert not copy.folder.exists()
    assert not installed.data("copy").exists()
    assert source.is_dir()
    assert names(installed) == []


@pytest.mark.parametrize("name", ["../kit", "a/b", "", ".data"])
def test_a_name_that_is_a_path_removes_nothing(tmp_path: Path, installed: InstalledPlugins, name: str) -> None:
    installed.add(plugin(tmp_path / "kit"), "kit", link=False)
    assert not installed.remove(name)
    assert installed.data("kit").is_dir()


@pytest.mark.parametrize("target", ["{here}/home", "../home", "{here}/kit/.codex-plugin"])
def test_a_link_that_leads_out_of_a_plugin_is_not_copied(
    tmp_path: Path, installed: InstalledPlugins, target: str
) -> None:
    source = plugin(tmp_path / "kit")
    (source / "secret").symlink_to(target.format(here=tmp_path))
    with pytest.raises(ConfigError, match="leads out of the plugin"):
        installed.add(source, "kit", link=False)
    assert names(installed) == []
    assert [found.name for found in (tmp_path / "home" / "plugins").iterdir()] == [".data"]


def test_a_link_that_leads_in_a_circle_is_copied_as_it_is(tmp_path: Path, installed: InstalledPlugins) -> None:
    source = plugin(tmp_path / "kit")
    (source / "circle").symlink_to("circle")
    placed = installed.add(source, "kit", link=False)
    assert (placed.folder / "circle").readlink() == Path("circle")


def test_what_a_killed_installation_left_goes_with_the_next(tmp_path: Path, installed: InstalledPlugins) -> None:
    left = plugin(tmp_path / "home" / "plugins" / ".new-0123")
    installed.add(plugin(tmp_path / "kit"), "kit", link=False)
    assert not left.exists()


@pytest.mark.parametrize("link", [False, True])
def test_mcpools_own_files_are_no_plugin(tmp_path: Path, installed: InstalledPlugins, link: bool) -> None:
    placed = installed.add(plugin(tmp_path / "kit"), "kit", link=False)
    for source in (tmp_path, placed.folder):
        with pytest.raises(ConfigError, match="own files"):
            installed.add(source, "kit", link=link)
    assert placed.folder.is_dir()


def test_a_record_that_is_something_else_is_an_error_that_says_what_to_do(installed: InstalledPlugins) -> None:
    installed.record.write_text('[{"name": "../x"}]')
    with pytest.raises(ConfigError, match="install your plugins anew"):
        installed.all()

"""Plugins that the user installed: copies and links, in their order, for the user alone."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from mcpool.errors import ConfigError
from mcpool.plugins.installed import InstalledPlugins
from support.plugin_folder import plugin

LOOKING_ON = """
import json, sys
from pathlib import Path
from mcpool.plugins.installed import InstalledPlugins

home, source, name = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
installed = InstalledPlugins(home)
seen, looking = [], False


def look(event, arguments=()):
    global looking
    if not looking and event.partition(".")[0] in ("open", "os", "shutil"):
        looking = True
        found = [plugin.folder for plugin in installed.all()]
        seen.append([[part.read_text() for part in sorted(folder.glob("part*"))] for folder in found])
        looking = False


sys.addaudithook(look)
if source.name == "nothing":
    installed.remove(name)
else:
    installed.add(source, name, link=False)
look("os")
looking = True
print(json.dumps(seen))
"""
"""Changes the plugins of a home, and before each of its system calls looks what there is, as a kill would leave it."""


def seen_while_changing(home: Path, source: Path, name: str) -> list[list[list[str]]]:
    """What was in the parts of each plugin, one look after the other, without repeats."""
    command = [sys.executable, "-c", LOOKING_ON, home, source, name]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    looks = json.loads(done.stdout)
    return [look for number, look in enumerate(looks) if number == 0 or look != looks[number - 1]]


def version(folder: Path, text: str) -> Path:
    """A plugin of several parts that are to be of one version."""
    for part in range(3):
        (plugin(folder) / f"part{part}").write_text(text)
    return folder


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


def test_whoever_looks_while_another_version_is_installed_sees_one_of_the_two_whole(
    tmp_path: Path, installed: InstalledPlugins
) -> None:
    source = tmp_path / "kit"
    for text in ("1", "2"):
        installed.add(version(source, text), "kit", link=False)
    seen = seen_while_changing(tmp_path / "home", version(source, "3"), "kit")
    assert seen == [[["2"] * 3], [["3"] * 3]]


def test_whoever_looks_while_a_plugin_is_removed_sees_it_whole_or_not_at_all(
    tmp_path: Path, installed: InstalledPlugins
) -> None:
    installed.add(version(tmp_path / "kit", "1"), "kit", link=False)
    seen = seen_while_changing(tmp_path / "home", tmp_path / "nothing", "kit")
    assert seen == [[["1"] * 3], []]


def test_the_version_before_stays_for_what_runs_of_it_until_the_next_change(
    tmp_path: Path, installed: InstalledPlugins
) -> None:
    source = plugin(tmp_path / "kit")
    first, second, third = (installed.add(source, "kit", link=False).folder for _ in range(3))
    assert [folder.is_dir() for folder in (first, second, third)] == [False, True, True]
    installed.remove("kit")
    assert [found.name for found in (tmp_path / "home" / "plugins").iterdir()] == [".data"]


def test_a_copy_that_was_made_before_copies_had_versions_is_used_and_gives_way_to_the_next(
    tmp_path: Path, installed: InstalledPlugins
) -> None:
    old = plugin(tmp_path / "home" / "plugins" / "kit")
    installed.record.write_text('[{"link": null, "name": "kit"}]')
    assert installed.all()[0].folder == old
    for _ in range(2):
        installed.add(plugin(tmp_path / "kit"), "kit", link=False)
    assert not old.exists()
    assert installed.all()[0].folder.name == "kit"


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


def test_what_a_killed_removal_left_goes_with_the_next(tmp_path: Path, installed: InstalledPlugins) -> None:
    copy = installed.add(plugin(tmp_path / "kit"), "kit", link=False)
    installed.record.write_text("[]")  # there it was killed
    assert not installed.remove("kit")
    assert not copy.folder.exists()
    assert not installed.data("kit").exists()


@pytest.mark.parametrize("link", [False, True])
def test_mcpools_own_files_are_no_plugin(tmp_path: Path, installed: InstalledPlugins, link: bool) -> None:
    placed = installed.add(plugin(tmp_path / "kit"), "kit", link=False)
    for source in (tmp_path, placed.folder):
        with pytest.raises(ConfigError, match="own files"):
            installed.add(source, "kit", link=link)
    assert placed.folder.is_dir()


@pytest.mark.parametrize(
    "text", ['[{"name": "../x"}]', '[{"name": "x", "version": "../x"}]', '[{"name": "x", "version": 1}]']
)
def test_a_record_that_is_something_else_is_an_error_that_says_what_to_do(
    installed: InstalledPlugins, text: str
) -> None:
    installed.record.write_text(text)
    with pytest.raises(ConfigError, match="install your plugins anew"):
        installed.all()

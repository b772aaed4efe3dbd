"""Which projects the user trusts."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from mcpool.config.project import project_file
from mcpool.config.trust import TrustStore
from mcpool.errors import ConfigError


@pytest.fixture
def project(tmp_path: Path) -> Path:
    file = tmp_path / "project" / ".mcpool" / "config.toml"
    file.parent.mkdir(parents=True)
    file.write_text("")
    return file


def test_a_file_is_trusted_as_it_was_seen_and_no_other_way(tmp_path: Path, project: Path) -> None:
    store = TrustStore(tmp_path)
    assert store.of(project, "d1") == "unknown"
    store.trust(project, "d1")
    assert (store.of(project, "d1"), store.of(project, "d2")) == ("trusted", "changed")
    assert TrustStore(tmp_path).files() == (project,)


def test_trust_can_be_taken_back(tmp_path: Path, project: Path) -> None:
    store = TrustStore(tmp_path)
    store.trust(project, "d1")
    assert store.distrust(project)
    assert not store.distrust(project)
    assert store.of(project, "d1") == "unknown"


def test_the_list_is_for_the_user_alone(tmp_path: Path, project: Path) -> None:
    TrustStore(tmp_path).trust(project, "d1")
    assert stat.S_IMODE((tmp_path / "trusted.json").stat().st_mode) == 0o600


@pytest.mark.parametrize("content", ["[]", "{", '"x"'])
def test_a_broken_list_trusts_nothing_and_says_what_to_do(tmp_path: Path, project: Path, content: str) -> None:
    (tmp_path / "trusted.json").write_text(content)
    with pytest.raises(ConfigError, match="trust your projects anew"):
        TrustStore(tmp_path).of(project, "d1")


def test_a_link_to_a_trusted_file_is_that_file(tmp_path: Path, project: Path) -> None:
    store = TrustStore(tmp_path)
    store.trust(project, "d1")
    link = tmp_path / "link"
    link.symlink_to(project.parent.parent)
    assert store.of(link / ".mcpool" / "config.toml", "d1") == "trusted"


def test_the_nearest_folder_with_a_configuration_is_the_project(tmp_path: Path, project: Path) -> None:
    inner = project.parent.parent / "a" / "b"
    inner.mkdir(parents=True)
    assert project_file(inner, tmp_path / "home") == project
    assert project_file(tmp_path, tmp_path / "home") is None


def test_the_home_of_mcpool_is_no_project(project: Path) -> None:
    assert project_file(project.parent.parent, project.parent) is None

"""The folder that a `cwd` means in an executor."""

from __future__ import annotations

import pytest

from mcpool.environments.executor_launcher import beneath


@pytest.mark.parametrize(
    ("cwd", "found"), [("/abs", "/abs"), ("a/b", "/srv/a/b"), (".", "/srv"), ("a/../b", "/srv/b"), ("..x", "/srv/..x")]
)
def test_a_relative_folder_stands_beneath_the_root(cwd: str, found: str) -> None:
    assert beneath("/srv", cwd) == found


@pytest.mark.parametrize("cwd", ["..", "../srv2", "a/../../etc"])
def test_a_folder_that_leads_out_of_the_root_is_refused(cwd: str) -> None:
    with pytest.raises(ValueError, match="leads out of /srv"):
        beneath("/srv", cwd)


def test_without_a_root_a_relative_folder_means_nothing() -> None:
    with pytest.raises(ValueError, match="does not say what to"):
        beneath(None, "a")


def test_everything_stands_beneath_the_topmost_folder() -> None:
    assert beneath("/", "a") == "/a"

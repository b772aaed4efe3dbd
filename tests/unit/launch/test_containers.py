"""Which commands run containers, and where the labels go."""

from __future__ import annotations

import pytest

from mcpool.launch.containers import container_run

LABELS = ("--label", "mcpool.host=H", "--label", "mcpool.server=S")


@pytest.mark.parametrize(
    ("before", "after", "client"),
    [
        (("docker", "run"), ("-i", "image"), ("docker",)),
        (("/usr/bin/podman", "run"), ("image", "run"), ("/usr/bin/podman",)),
        (("docker", "container", "run"), ("image",), ("docker",)),
        (("docker", "--context", "run", "--debug", "run"), ("image",), ("docker", "--context", "run", "--debug")),
        (("docker", "-H", "unix:///d", "run"), ("image",), ("docker", "-H", "unix:///d")),
        (("docker", "--context=far", "run"), ("image",), ("docker", "--context=far")),
    ],
)
def test_labels_go_right_behind_run(before: tuple[str, ...], after: tuple[str, ...], client: tuple[str, ...]) -> None:
    """And the program with its global options is what is asked later."""
    found = container_run((*before, *after), "H", "S")

    assert found is not None
    assert found.argv == (*before, *LABELS, *after)
    assert found.client == client


@pytest.mark.parametrize(
    "argv",
    [(), ("docker",), ("docker", "exec", "run"), ("npx", "run"), ("docker-compose", "run", "x"), ("docker", "-H")],
)
def test_other_commands_are_left_alone(argv: tuple[str, ...]) -> None:
    """Only `run` makes a container."""
    assert container_run(argv, "H", "S") is None

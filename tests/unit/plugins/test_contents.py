"""What stays of a plugin that cannot be read now."""

from __future__ import annotations

from mcpool.config.problem import Problem
from mcpool.plugins.contents import Contents, with_spared

BEFORE = Contents("kit", "/kit", name="kit", files=frozenset({"/kit/plugin.json"}))


def test_files_of_a_plugin_that_could_not_be_read_in_time_are_watched_on() -> None:
    late = Problem("error", "local:/kit", None, "", "was not read", "it is tried again")
    kept = with_spared(Contents("kit", "/kit", problems=(late,)), BEFORE)
    assert (kept.name, kept.problems, kept.files) == ("kit", (late,), BEFORE.files)

"""What counts as naming something."""

from __future__ import annotations

import pytest

from mcpool.plugins.contents import Skill
from mcpool.plugins.mention import named_in
from mcpool.plugins.telling import skill_called


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("Use $review, then $kit:test.", ("review", "kit:test")),
        ("[$review](/srv/review/SKILL.md) and $review again", ("review",)),
        ("it costs $5 or $ 5, a$b, $$x and \\$y", ("5",)),
        ("$a-b_c.d...", ("a-b_c.d",)),
        ("nothing", ()),
    ],
)
def test_a_name_after_a_dollar_sign_is_named(text: str, names: tuple[str, ...]) -> None:
    assert named_in(text) == names


def test_a_text_full_of_names_is_read_to_a_limit() -> None:
    assert len(named_in(" ".join(f"$n{number}" for number in range(1000)))) == 64


def test_a_skill_is_called_by_its_whole_name_or_by_a_short_one_that_is_nobody_elses() -> None:
    a, b, c = (Skill(name, "", "/") for name in ("kit:review", "other:review", "kit:test"))
    assert skill_called("kit:review", [a, b, c]) is a
    assert skill_called("test", [a, b, c]) is c
    assert skill_called("review", [a, b, c]) is None

"""What can be chosen for a thread."""

from __future__ import annotations

import pytest

from mcpool.plugins.root import CapabilityRoot


@pytest.mark.parametrize(
    ("id", "path", "environment"),
    [("", "/kit", "box"), ("kit", "kit", "box"), ("kit", "/k\0", "box"), ("kit", "/kit", ""), ("a\nb", "/kit", "box")],
)
def test_a_root_has_a_name_an_absolute_path_and_an_environment(id: str, path: str, environment: str) -> None:
    with pytest.raises(ValueError, match="capability root"):
        CapabilityRoot(id, path, environment)

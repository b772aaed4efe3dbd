"""Paths as URIs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcpool.environments.file_uri import native, to_path, to_uri


@given(st.text(st.characters(exclude_characters="\0")))
def test_any_path_comes_back_as_it_was(name: str) -> None:
    path = "/" + name.encode(errors="ignore").decode()
    assert to_path(to_uri(path)) == path


def test_a_name_that_is_no_text_comes_back_as_it_was() -> None:
    path = b"/a\xff".decode(errors="surrogateescape")
    assert to_path(to_uri(path)) == path


@pytest.mark.parametrize(
    "path_and_uri", [("/tmp/a b#?%", "file:///tmp/a%20b%23%3F%25"), ("/ä", "file:///%C3%A4"), ("/", "file:///")]
)
def test_a_path_as_others_write_it(path_and_uri: tuple[str, str]) -> None:
    path, uri = path_and_uri
    assert (to_uri(path), to_path(uri)) == (uri, path)


@pytest.mark.parametrize("uri", ["", "/tmp", "http:///tmp", "file://host/tmp", "file:tmp", "file:///a%00b", "file://"])
def test_what_is_no_path_here_is_refused(uri: str) -> None:
    with pytest.raises(ValueError, match="is no file: URI"):
        to_path(uri)


@pytest.mark.parametrize("path", ["", "relative", "/a\0b"])
def test_what_is_not_absolute_has_no_uri(path: str) -> None:
    with pytest.raises(OSError, match="not an absolute path"):
        to_uri(path)


@pytest.mark.parametrize(
    ("uri", "path"),
    [
        ("file:///home/a%20b", "/home/a b"),
        ("file:///C:/Users/a%20b", r"C:\Users\a b"),
        ("file://files/share/a", r"\\files\share\a"),
        ("file:///C:x", "/C:x"),
        ("https://example.com/a", None),
    ],
)
def test_what_is_shown_is_written_as_the_system_writes_it_that_has_it(uri: str, path: str | None) -> None:
    """Scenario S9."""
    assert native(uri) == path

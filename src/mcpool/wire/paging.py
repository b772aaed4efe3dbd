"""Lists that come in pages, read as a whole and within bounds."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import msgspec
from msgspec import Raw

from mcpool.errors import BadAnswer
from mcpool.wire.envelope import UNREADABLE, encode_json
from mcpool.wire.revisions import INTERNAL_ERROR

MAX_PAGES = 100
MAX_ITEMS = 10_000
MAX_CURSOR_BYTES = 64 * 1024

_decode_page = msgspec.json.Decoder(dict[str, Raw]).decode
_decode_items = msgspec.json.Decoder(list[Raw]).decode
_decode_cursor = msgspec.json.Decoder(str | None).decode


async def read_pages(
    server: str, method: str, key: str, fetch: Callable[[dict[str, bytes | Raw]], Awaitable[bytes]]
) -> tuple[bytes, ...]:
    """The raw items of all pages of a list.

    Raises:
        BadAnswer: a page is malformed, a cursor comes twice, or a bound is passed.
    """
    items: list[bytes] = []
    seen: set[str] = set()
    fields: dict[str, bytes | Raw] = {}
    for _ in range(MAX_PAGES):
        found, cursor = _read_page(server, method, key, await fetch(fields))
        items += found
        if len(items) > MAX_ITEMS:
            raise _bad(server, method, f"more than {MAX_ITEMS:,} items")
        if cursor is None:
            return tuple(items)
        if len(cursor) > MAX_CURSOR_BYTES:
            raise _bad(server, method, f"a cursor of more than {MAX_CURSOR_BYTES:,} bytes")
        if cursor in seen:
            raise _bad(server, method, "a cursor that it gave before, so the list has no end")
        seen.add(cursor)
        fields = {"cursor": Raw(encode_json(cursor))}
    raise _bad(server, method, f"more than {MAX_PAGES} pages")


def _read_page(server: str, method: str, key: str, result: bytes) -> tuple[list[bytes], str | None]:
    try:
        page = _decode_page(result)
        items = _decode_items(page.get(key, b"[]"))
        cursor = _decode_cursor(page.get("nextCursor", b"null"))
    except UNREADABLE as error:
        raise _bad(server, method, f"a page of no known form: {error}") from None
    return [bytes(item) for item in items], cursor


def _bad(server: str, method: str, what: str) -> BadAnswer:
    return BadAnswer(server, INTERNAL_ERROR, f"`{method}` was answered with {what}")

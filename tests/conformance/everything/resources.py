"""The resources."""

from __future__ import annotations

import json
import re
from typing import Final

import mcp_types as types
from mcp.shared.exceptions import MCPError

from conformance.everything.contents import PNG

_RESOURCE_NOT_FOUND: Final = -32002
"""The code of the handshake era; 2026-07-28 takes the one for invalid params."""

_TEXTS: Final = {
    "test://static-text": "This is the content of the static text resource.",
    "test://watched-resource": "This is the content of the watched resource.",
}
_BINARY: Final = "test://static-binary"

RESOURCES: Final = [
    types.Resource(uri="test://static-text", name="static-text", description="A text", mime_type="text/plain"),
    types.Resource(uri=_BINARY, name="static-binary", description="A picture", mime_type="image/png"),
    types.Resource(uri="test://watched-resource", name="watched", description="A text", mime_type="text/plain"),
]
TEMPLATES: Final = [
    types.ResourceTemplate(
        uri_template="test://template/{id}/data",
        name="template",
        description="Data of an id",
        mime_type="application/json",
    )
]
_OF_TEMPLATE: Final = re.compile(r"test://template/([^/]+)/data")


def read(uri: str, *, modern: bool) -> types.ReadResourceResult:
    """Read a resource.

    Raises:
        MCPError: there is no such resource.
    """
    if uri in _TEXTS:
        return _result(types.TextResourceContents(uri=uri, mime_type="text/plain", text=_TEXTS[uri]))
    if uri == _BINARY:
        return _result(types.BlobResourceContents(uri=uri, mime_type="image/png", blob=PNG))
    if of_template := _OF_TEMPLATE.fullmatch(uri):
        data = {"id": of_template[1], "templateTest": True, "data": f"Data for ID: {of_template[1]}"}
        return _result(types.TextResourceContents(uri=uri, mime_type="application/json", text=json.dumps(data)))
    code = types.INVALID_PARAMS if modern else _RESOURCE_NOT_FOUND
    raise MCPError(code, "Resource not found", {"uri": uri})


def _result(contents: types.TextResourceContents | types.BlobResourceContents) -> types.ReadResourceResult:
    return types.ReadResourceResult(contents=[contents])

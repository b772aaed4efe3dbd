"""What each method answers, except `tools/call`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from mcpool.demo.catalogue import INSTRUCTIONS, Catalogue, get_prompt, read_resource
from mcpool.demo.revisions import (
    CAPABILITIES,
    HANDSHAKE_VERSIONS,
    MODERN_VERSION,
    SERVER_INFO,
    agreed_version,
    claimed_version,
    stamped,
)
from mcpool.demo.tool import Json

METHOD_NOT_FOUND = -32601
INVALID_PARAMS = -32602
RESOURCE_NOT_FOUND = -32002
UNSUPPORTED_VERSION = -32022


class Refused(Exception):
    """The request is answered with a JSON-RPC error."""

    def __init__(self, code: int, message: str, data: object = None) -> None:
        super().__init__(message)
        self.code = code
        self.data = data


def is_modern(method: str, params: Mapping[str, object]) -> bool:
    """Whether a request is of the 2026-07-28 era.

    Raises:
        Refused: it claims a revision that this server does not speak that way.
    """
    claimed = claimed_version(method, entry(params, "_meta"))
    if claimed not in (None, MODERN_VERSION):
        data = {"supported": [MODERN_VERSION], "requested": str(claimed)}
        raise Refused(UNSUPPORTED_VERSION, f"unsupported protocol version {claimed}", data)
    return claimed is not None


def answer(method: str, params: Mapping[str, object], offers: Catalogue, *, modern: bool) -> Json:
    """The result of a request, stamped if it is a modern one.

    Raises:
        Refused: there is no such method in that era, or its parameters are wrong.
    """
    if modern:
        return stamped(method, _modern(method, params, offers))
    return _handshake(method, params, offers)


def entry(params: Mapping[str, object], key: str) -> Mapping[str, object]:
    """The object under `key`, empty if there is none."""
    value = params.get(key)
    return cast("Json", value) if isinstance(value, dict) else {}


def _modern(method: str, params: Mapping[str, object], offers: Catalogue) -> Json:
    if method == "server/discover":
        versions = [MODERN_VERSION, *reversed(HANDSHAKE_VERSIONS)]
        return {"supportedVersions": versions, "capabilities": CAPABILITIES, "instructions": INSTRUCTIONS}
    return _either(method, params, offers, missing=INVALID_PARAMS)


def _handshake(method: str, params: Mapping[str, object], offers: Catalogue) -> Json:
    if method == "initialize":
        return {
            "protocolVersion": agreed_version(params.get("protocolVersion")),
            "capabilities": CAPABILITIES,
            "serverInfo": SERVER_INFO,
            "instructions": INSTRUCTIONS,
        }
    if method == "ping":
        return {}
    return _either(method, params, offers, missing=RESOURCE_NOT_FOUND)


def _either(method: str, params: Mapping[str, object], offers: Catalogue, *, missing: int) -> Json:
    match method:
        case "tools/list":
            return {"tools": [tool.definition for tool in offers.tools.values()]}
        case "resources/list":
            return {"resources": list(offers.resources)}
        case "resources/templates/list":
            return {"resourceTemplates": []}
        case "resources/read":
            found = read_resource(str(params.get("uri")))
            if found is None:
                raise Refused(missing, f"no resource {params.get('uri')!r}")
            return found
        case "prompts/list":
            return {"prompts": list(offers.prompts)}
        case "prompts/get":
            prompt = get_prompt(str(params.get("name")), entry(params, "arguments"))
            if prompt is None:
                raise Refused(INVALID_PARAMS, f"no prompt {params.get('name')!r}, or its argument `topic` is missing")
            return prompt
        case _:
            raise Refused(METHOD_NOT_FOUND, f"no method {method!r}")

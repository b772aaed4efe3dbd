"""The tools, by the names that the suite calls them by."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final

import mcp_types as types
from mcp.shared.exceptions import MCPError

from conformance.everything import asking_tools, plain_tools, telling_tools
from conformance.everything.call import Call, Unanswered
from conformance.everything.contents import text
from conformance.everything.plain_tools import Contents
from conformance.everything.schemas import DIALECT, IN_HEADER, NOTHING

Run = Callable[[Call], Awaitable[Contents]]

_RUN: Final[dict[str, Run]] = {
    "test_simple_text": plain_tools.simple_text,
    "test_image_content": plain_tools.image_content,
    "test_audio_content": plain_tools.audio_content,
    "test_embedded_resource": plain_tools.embedded_resource,
    "test_multiple_content_types": plain_tools.multiple_content_types,
    "test_error_handling": plain_tools.error_handling,
    "json_schema_2020_12_tool": plain_tools.repeat_arguments,
    "test_header_argument": plain_tools.repeat_arguments,
    "test_tool_with_logging": telling_tools.with_logging,
    "test_logging_tool": telling_tools.with_logging,
    "test_tool_with_progress": telling_tools.with_progress,
    "test_reconnection": telling_tools.reconnection,
    "test_trigger_tool_change": telling_tools.trigger_tool_change,
    "test_trigger_prompt_change": telling_tools.trigger_prompt_change,
    "test_sampling": asking_tools.sampling,
    "test_elicitation": asking_tools.elicitation,
    "test_elicitation_sep1034_defaults": asking_tools.elicitation_with_defaults,
    "test_elicitation_sep1330_enums": asking_tools.elicitation_of_choices,
    "test_streaming_elicitation": asking_tools.streaming_elicitation,
    "test_missing_capability": asking_tools.missing_capability,
    "test_input_required_result_elicitation": asking_tools.name,
    "test_input_required_result_sampling": asking_tools.capital,
    "test_input_required_result_list_roots": asking_tools.folders,
    "test_input_required_result_request_state": asking_tools.request_state,
    "test_input_required_result_multiple_inputs": asking_tools.multiple_inputs,
    "test_input_required_result_multi_round": asking_tools.multi_round,
    "test_input_required_result_tampered_state": asking_tools.request_state,
    "test_input_required_result_capabilities": asking_tools.by_capabilities,
}


def _one(argument: str) -> dict[str, Any]:
    return {"type": "object", "properties": {argument: {"type": "string"}}, "required": [argument]}


_SCHEMAS: Final[dict[str, dict[str, Any]]] = {
    "json_schema_2020_12_tool": DIALECT,
    "test_header_argument": IN_HEADER,
    "test_sampling": _one("prompt"),
    "test_elicitation": _one("message"),
}

TOOLS: Final = [
    types.Tool(name=name, description=run.__doc__, input_schema=_SCHEMAS.get(name, NOTHING))
    for name, run in _RUN.items()
]


async def run(call: Call, name: str) -> types.CallToolResult | types.InputRequiredResult:
    """Call a tool.

    Raises:
        MCPError: there is no such tool, or the client cannot do what it needs.
    """
    tool = _RUN.get(name)
    if tool is None:
        raise MCPError(types.INVALID_PARAMS, f"Unknown tool: {name}")
    try:
        return types.CallToolResult(content=await tool(call))
    except Unanswered as unanswered:
        return unanswered.result
    except ValueError as error:
        return types.CallToolResult(content=[text(str(error))], is_error=True)

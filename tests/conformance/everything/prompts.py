"""The prompts."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

import mcp_types as types
from mcp.shared.exceptions import MCPError

from conformance.everything.call import Call, Unanswered
from conformance.everything.contents import embedded, image, text
from conformance.everything.questions import form

Contents = list[types.ContentBlock]


async def _simple(_: Call) -> Contents:
    """A sentence."""
    return [text("This is a simple prompt for testing.")]


async def _with_arguments(call: Call) -> Contents:
    """A sentence with two gaps."""
    given = call.arguments
    return [text(f"Prompt with arguments: arg1='{given.get('arg1')}', arg2='{given.get('arg2')}'")]


async def _with_embedded_resource(call: Call) -> Contents:
    """A resource, and what to do with it."""
    resource = embedded(str(call.arguments.get("resourceUri")), "Embedded resource content for testing.")
    return [resource, text("Please process the embedded resource above.")]


async def _with_image(_: Call) -> Contents:
    """A picture, and what to do with it."""
    return [image(), text("Please analyze the image above.")]


async def _that_asks(call: Call) -> Contents:
    """A sentence in the user's words."""
    question = form("What context should the prompt use?", {"context": {"type": "string"}})
    answer = (await call.ask(user_context=question))["user_context"]
    return [text(f"Use this context: {answer.get('content', {}).get('context')}")]


_WRITE: Final[dict[str, Callable[[Call], Awaitable[Contents]]]] = {
    "test_simple_prompt": _simple,
    "test_prompt_with_arguments": _with_arguments,
    "test_prompt_with_embedded_resource": _with_embedded_resource,
    "test_prompt_with_image": _with_image,
    "test_input_required_result_prompt": _that_asks,
}
_ARGUMENTS: Final = {
    "test_prompt_with_arguments": ("arg1", "arg2"),
    "test_prompt_with_embedded_resource": ("resourceUri",),
}

PROMPTS: Final = [
    types.Prompt(
        name=name,
        description=write.__doc__,
        arguments=[types.PromptArgument(name=argument, required=True) for argument in _ARGUMENTS.get(name, ())],
    )
    for name, write in _WRITE.items()
]


async def write(call: Call, name: str) -> types.GetPromptResult | types.InputRequiredResult:
    """Fill in a prompt.

    Raises:
        MCPError: there is no such prompt.
    """
    prompt = _WRITE.get(name)
    if prompt is None:
        raise MCPError(types.INVALID_PARAMS, f"Unknown prompt: {name}")
    try:
        contents = await prompt(call)
    except Unanswered as unanswered:
        return unanswered.result
    return types.GetPromptResult(messages=[types.PromptMessage(role="user", content=content) for content in contents])


def complete(params: types.CompleteRequestParams) -> types.CompleteResult:
    """Suggestions for an argument: the words that begin as what was typed."""
    words = [word for word in ("paris", "park", "party", "test") if word.startswith(params.argument.value)]
    return types.CompleteResult(completion=types.Completion(values=words, total=len(words), has_more=False))

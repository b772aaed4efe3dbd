"""Tools that answer at once."""

from __future__ import annotations

import mcp_types as types

from conformance.everything.call import Call
from conformance.everything.contents import audio, embedded, image, text

Contents = list[types.ContentBlock]


async def simple_text(_: Call) -> Contents:
    """Say a sentence."""
    return [text("This is a simple text response for testing.")]


async def image_content(_: Call) -> Contents:
    """Show a picture."""
    return [image()]


async def audio_content(_: Call) -> Contents:
    """Play a sound."""
    return [audio()]


async def embedded_resource(_: Call) -> Contents:
    """Enclose a resource."""
    return [embedded("test://embedded-resource", "This is an embedded resource content.")]


async def multiple_content_types(_: Call) -> Contents:
    """Say, show and enclose something."""
    data = embedded("test://mixed-content-resource", '{"test":"data","value":123}', "application/json")
    return [text("Multiple content types test:"), image(), data]


async def error_handling(_: Call) -> Contents:
    """Fail."""
    raise ValueError("This tool intentionally returns an error for testing")


async def repeat_arguments(call: Call) -> Contents:
    """Say what was given."""
    return [text(f"Called with {dict(call.arguments)}")]

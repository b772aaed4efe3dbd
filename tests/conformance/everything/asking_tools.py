"""Tools that ask the client before they answer."""

from __future__ import annotations

import json

import mcp_types as types
from mcp.shared.exceptions import MCPError
from mcp_types.jsonrpc import MISSING_REQUIRED_CLIENT_CAPABILITY

from conformance.everything.call import Call
from conformance.everything.contents import text
from conformance.everything.plain_tools import Contents
from conformance.everything.questions import form, roots, sample
from conformance.everything.schemas import CHOICES, DEFAULTS

_NAME = {"name": {"type": "string"}}
_OK = {"ok": {"type": "boolean"}}


async def sampling(call: Call) -> Contents:
    """Ask the model what the argument `prompt` says."""
    answers = await call.ask(answer=sample(str(call.arguments.get("prompt", ""))))
    return [text(f"LLM response: {answers['answer']['content']['text']}")]


async def elicitation(call: Call) -> Contents:
    """Ask the user for a name and an address with the words of the argument `message`."""
    properties = {
        "username": {"type": "string", "description": "User's response"},
        "email": {"type": "string", "description": "User's email address"},
    }
    answers = await call.ask(user=form(str(call.arguments.get("message", "")), properties))
    return [text(f"User response: {json.dumps(answers['user'])}")]


async def elicitation_with_defaults(call: Call) -> Contents:
    """Ask the user with defaults for all answers."""
    return await _completed(call, form("Please review these answers", DEFAULTS, required=False))


async def elicitation_of_choices(call: Call) -> Contents:
    """Ask the user to choose."""
    return await _completed(call, form("Please choose", CHOICES, required=False))


async def _completed(call: Call, question: types.ElicitRequest) -> Contents:
    answer = (await call.ask(user=question))["user"]
    content = json.dumps(answer.get("content", {}))
    return [text(f"Elicitation completed: action={answer['action']}, content={content}")]


async def streaming_elicitation(call: Call) -> Contents:
    """Report progress, and ask the user."""
    await call.ctx.session.report_progress(1, 2)
    await call.ask(confirm=form("Go on?", _OK))
    return [text("Went on")]


async def missing_capability(call: Call) -> Contents:
    """Work for clients that have a model only."""
    if call.capabilities.sampling is None:
        needed = types.ClientCapabilities(sampling=types.SamplingCapability())
        data = types.MissingRequiredClientCapabilityErrorData(required_capabilities=needed)
        message = "this tool needs a client that can sample"
        raise MCPError(
            MISSING_REQUIRED_CLIENT_CAPABILITY, message, data.model_dump(by_alias=True, mode="json", exclude_none=True)
        )
    return [text("The client can sample")]


async def name(call: Call) -> Contents:
    """Ask the user for a name."""
    answers = await call.ask(user_name=form("What is your name?", _NAME))
    return [text(f"Hello, {answers['user_name'].get('content', {}).get('name')}!")]


async def capital(call: Call) -> Contents:
    """Ask the model for a capital."""
    answers = await call.ask(capital_question=sample("What is the capital of France?"))
    return [text(answers["capital_question"]["content"]["text"])]


async def folders(call: Call) -> Contents:
    """Ask the client for its folders."""
    answers = await call.ask(client_roots=roots())
    return [text(" ".join(root["uri"] for root in answers["client_roots"]["roots"]))]


async def request_state(call: Call) -> Contents:
    """Ask the user, and look at the state that comes back."""
    await call.ask(confirm=form("Please confirm", _OK))
    return [text("state-ok")]


async def multiple_inputs(call: Call) -> Contents:
    """Ask everybody at once."""
    answers = await call.ask(
        user_name=form("What is your name?", _NAME), greeting=sample("Generate a greeting", 50), client_roots=roots()
    )
    return [text(f"Answered: {', '.join(answers)}")]


async def multi_round(call: Call) -> Contents:
    """Ask the user twice."""
    first = await call.ask(step1=form("Step 1: What is your name?", _NAME))
    second = await call.ask(step2=form("Step 2: What is your favorite color?", {"color": {"type": "string"}}))
    return [text(json.dumps([first["step1"].get("content"), second["step2"].get("content")]))]


async def by_capabilities(call: Call) -> Contents:
    """Ask those whom the client has."""
    questions: types.InputRequests = {}
    if call.capabilities.elicitation is not None:
        questions["user"] = form("Please confirm", _OK)
    if call.capabilities.sampling is not None:
        questions["model"] = sample("Please confirm")
    answers = await call.ask(**questions)
    return [text(f"Answered: {', '.join(answers)}")]

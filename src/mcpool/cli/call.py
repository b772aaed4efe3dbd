"""`mcpool call SERVER TOOL 'JSON'`: one tool call, from a shell."""

from __future__ import annotations

import json
import shutil
import sys
from argparse import Namespace
from functools import partial
from typing import Any, cast

from mcpool.cli.approve import approval_in, approved, ask_approval
from mcpool.cli.ask_user import ask_user
from mcpool.cli.exit_codes import FAILED, NOT_APPROVED, OK, OUTCOME_UNKNOWN, TIMEOUT, UNAVAILABLE, USAGE
from mcpool.cli.prompt import read_line
from mcpool.cli.session import Lost, Refused, Session, Withdrawn, no_answer
from mcpool.cli.words import say
from mcpool.errors import CallTimeout

_EXIT_OF_CODE = {
    -32602: USAGE,
    -32010: UNAVAILABLE,
    -32011: OUTCOME_UNKNOWN,
    -32001: TIMEOUT,
    -32014: NOT_APPROVED,
}
"""What the gateway's error codes mean for a shell; any other is the server's own."""

_SEARCHED = ["find_tools", "call_tool"]
"""Where tools are searched for, these alone are listed, and the others can be called all the same."""


def run(arguments: Namespace) -> int:
    """Call the tool and print its result; the exit code tells what became of it."""
    given = _tool_arguments(arguments.arguments)
    if given is None:
        return USAGE
    asks = sys.stdin.isatty() and sys.stderr.isatty() and arguments.arguments != "-"
    can_answer: dict[str, Any] | None = {"form": {}, "url": {}} if asks else {"form": {}} if arguments.yes else None
    progress = Progress()
    sent = False
    try:
        with Session(
            arguments.server,
            on_notification=progress.hear,
            on_question=no_answer if can_answer is None else partial(_answer, progress, asks, arguments.yes),
            capabilities={} if can_answer is None else {"elicitation": can_answer},
        ) as session:
            session.wait(session.begin())
            session.initialized()
            tools = cast("list[dict[str, Any]]", session.request("tools/list", {})["tools"])
            names = [str(tool["name"]) for tool in tools]
            if arguments.tool not in names and names != _SEARCHED:
                return _unknown_tool(arguments.server, arguments.tool, names)
            params = {"name": arguments.tool, "arguments": given, "_meta": {"progressToken": 1}}
            sent = True
            result = session.request("tools/call", params, arguments.timeout)
    except Refused as error:
        code = _EXIT_OF_CODE.get(error.code, FAILED)
        hint = "; `--yes` approves it" if code == NOT_APPROVED and can_answer is None else ""
        return _complain(arguments, f"{error}{hint}", code)
    except CallTimeout as error:
        return _complain(arguments, str(error), TIMEOUT)
    except Lost as error:
        return _complain(arguments, str(error), OUTCOME_UNKNOWN if sent else UNAVAILABLE)
    finally:
        progress.end()
    _print(result, raw=arguments.json)
    return FAILED if result.get("isError") else OK


def _complain(arguments: Namespace, text: str, code: int) -> int:
    say(f"mcpool call {arguments.server} {arguments.tool}: {text}\n")
    return code


def _tool_arguments(text: str) -> dict[str, Any] | None:
    source = sys.stdin.read() if text == "-" else text
    try:
        given = json.loads(source)
    except ValueError as error:
        sys.stderr.write(f'mcpool call: the arguments are not JSON: {error}; quote them like \'{{"path": "."}}\'\n')
        return None
    if not isinstance(given, dict):
        sys.stderr.write('mcpool call: the arguments must be a JSON object, like \'{"path": "."}\'\n')
        return None
    return cast("dict[str, Any]", given)


def _unknown_tool(server: str, tool: str, names: list[str]) -> int:
    import difflib

    near = difflib.get_close_matches(tool, names, 1)
    hint = f"did you mean `{near[0]}`? " if near else ""
    listed = ", ".join(names) or "none"
    say(f"mcpool call: `{server}` has no tool `{tool}`; {hint}it has: {listed}\n")
    return USAGE


def _answer(
    progress: Progress, asks: bool, yes: bool, session: Session, method: str, params: dict[str, Any]
) -> dict[str, Any] | None:
    if method != "elicitation/create":
        return None
    about = approval_in(params)
    if about is not None and yes:
        return approved()
    if not asks:
        return None
    progress.end()

    def read(prompt: str) -> str:
        return read_line(prompt, session.until_readable)

    try:
        if about is not None:
            return ask_approval(params, about, read=read)
        return ask_user(session.server or "mcpool", params, read=read)
    except Withdrawn as error:
        say(f"{error}\n")
        raise


class Progress:
    """Shows progress and log messages on stderr: one line that is rewritten on a terminal, lines anywhere else."""

    def __init__(self) -> None:
        self._live = sys.stderr.isatty()
        self._open = False

    def hear(self, method: str, params: dict[str, Any]) -> None:
        """Take a notification."""
        if method == "notifications/progress":
            self._show(progress_text(params))
        elif method == "notifications/message":
            self.end()
            say(f"{params.get('level', 'log')}: {_as_text(params.get('data'))}\n", colours=True)

    def _show(self, text: str) -> None:
        if self._live:
            width = shutil.get_terminal_size().columns - 1
            sys.stderr.write("\r\x1b[2K")
            say(" ".join(text.split())[:width])
            self._open = True
        else:
            say(f"{text}\n")

    def end(self) -> None:
        """Leave the line that is rewritten."""
        if self._open:
            sys.stderr.write("\r\x1b[2K")
            self._open = False


def progress_text(params: dict[str, Any]) -> str:
    """A progress notification in a few words."""
    done, total = params.get("progress", 0), params.get("total")
    share = f"{done:g}" if not total else f"{done:g}/{total:g}"
    message = params.get("message")
    return f"{share} {message}" if message else share


def _print(result: dict[str, Any], *, raw: bool) -> None:
    if raw:
        say(json.dumps(result, ensure_ascii=False) + "\n", sys.stdout)
        return
    stream = sys.stderr if result.get("isError") else sys.stdout
    for block in cast("list[dict[str, Any]]", result.get("content") or []):
        say(content_text(block).rstrip("\n") + "\n", stream, colours=True)
    if not result.get("content") and "structuredContent" in result:
        say(json.dumps(result["structuredContent"], indent=2, ensure_ascii=False) + "\n", stream)


def content_text(block: dict[str, Any]) -> str:
    """A content block as text: text as it is, anything else named."""
    match block.get("type"):
        case "text":
            return str(block.get("text", ""))
        case "image" | "audio" as kind:
            return (
                f"[{kind}, {block.get('mimeType')}, {len(str(block.get('data', '')))} characters of base64; see --json]"
            )
        case "resource_link":
            return f"[resource {block.get('uri')}]"
        case "resource":
            resource = cast("dict[str, Any]", block.get("resource") or {})
            return str(resource["text"]) if "text" in resource else f"[resource {resource.get('uri')}]"
        case kind:
            return f"[{kind}; see --json]"


def _as_text(data: object) -> str:
    return data if isinstance(data, str) else json.dumps(data, ensure_ascii=False)

"""The command line as argparse sees it, with help that teaches."""

from __future__ import annotations

import sys
from argparse import REMAINDER, SUPPRESS, ArgumentParser, Namespace, RawDescriptionHelpFormatter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

from mcpool._version import __version__
from mcpool.cli.exit_codes import USAGE

_OVERVIEW = """\
mcpool runs each of your MCP servers once and lets all your clients share it.

  mcpool up                         start it; prints what to paste into your clients
  mcpool connect [SERVER]           what clients run: an MCP server on stdin and stdout
  mcpool install CLIENT             give a client (claude-code, cursor, ...) its servers from mcpool
  mcpool import                     take over the servers of your other tools
  mcpool status                     what runs, for whom, and what is wrong with it
"""

_EXITS = """\
exit codes: 0 fine, 1 the tool reported an error, 2 wrong usage or configuration, 3 daemon or server unavailable,
4 the connection was lost and the call may have run, 5 no answer in time, 6 not approved, 130 Ctrl-C
"""


class _Parser(ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """One sentence instead of the whole usage."""
        sys.stderr.write(f"{self.prog}: {message}; see `{self.prog} --help`\n")
        raise SystemExit(USAGE)


def parse(given: Sequence[str]) -> Namespace:
    """The command that was given; `run` in it names the function that performs it, as `module:function`."""
    parser = _Parser(prog="mcpool", description=_OVERVIEW, epilog=_EXITS, formatter_class=RawDescriptionHelpFormatter)
    parser.add_argument("--version", action="version", version=f"mcpool {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True, parser_class=_Parser)
    _add_running(commands)
    _add_using(commands)
    _add_configuring(commands)
    return parser.parse_args(given or ["--help"])


def _command(commands: Any, name: str, run: str, summary: str, text: str) -> ArgumentParser:
    parser: ArgumentParser = commands.add_parser(
        name, help=summary, description=text, formatter_class=RawDescriptionHelpFormatter
    )
    parser.set_defaults(run=run)
    return parser


def _add_running(commands: Any) -> None:
    up = _command(commands, "up", "up:run", "start the daemon", _UP)
    up.add_argument("--config", type=Path, metavar="FILE", help="use FILE (ours, or another tool's) for this time")
    up.add_argument("--port", type=_port, metavar="N", help="TCP port on loopback (default: as configured, else 8377)")
    up.add_argument("--detach", action="store_true", help="run in the background; `mcpool stop` ends it")
    for hidden in ("--background", "--keep"):
        up.add_argument(hidden, action="store_true", help=SUPPRESS)
    private = _command(commands, "run", "private:run", "run a command with a daemon of its own", _RUN)
    private.add_argument("--config", type=Path, metavar="FILE", help="default: config.toml in the home")
    private.add_argument("command", metavar="-- COMMAND", nargs=REMAINDER, help="the command, and its arguments")
    # Listed for --help only: it is run without coming here, since it has to start fast.
    _command(commands, "connect", "connect:run", "what clients run: an MCP server on stdin and stdout", "")
    service = _command(commands, "service", "", "run the daemon from login on", _SERVICE)
    deeds = service.add_subparsers(metavar="ACTION", required=True)
    for deed, what in (("install", "write and enable it"), ("status", "how it is"), ("uninstall", "the opposite")):
        _command(deeds, deed, f"service:{deed}", what, _SERVICE)
    status = _command(commands, "status", "status:run", "show what runs", _STATUS)
    status.add_argument("server", metavar="SERVER", nargs="?", help="one server, in detail")
    status.add_argument("--json", action="store_true", help="as JSON, for programs")
    doctor = _command(commands, "doctor", "doctor:run", "find out what is wrong, and what mends it", _DOCTOR)
    doctor.add_argument("server", metavar="SERVER", nargs="?", help="one server; all of them without")
    doctor.add_argument("--json", action="store_true", help="as JSON, for programs")
    logs = _command(commands, "logs", "logs:run", "show what a server wrote to stderr", _LOGS)
    logs.add_argument("server", metavar="SERVER", nargs="?", help="the daemon's own log without")
    logs.add_argument("-f", "--follow", action="store_true", help="go on with what is added, until Ctrl-C")
    logs.add_argument("-n", "--lines", type=_count, metavar="LINES", default=50, help="how many to begin with (50)")
    _command(commands, "stop", "steer:stop", "end the daemon and its servers", _STOP)
    _command(commands, "apply", "steer:apply", "read the configuration again", _APPLY)
    _command(commands, "reload", "steer:reload", "replace all servers by fresh processes", _RELOAD)
    serve = _command(commands, "exec-server", "exec_server:run", "let hosts elsewhere run servers here", _EXEC_SERVER)
    serve.add_argument(
        "--listen", metavar="[HOST:]PORT", default="127.0.0.1:0", help="where (default: any free port on loopback)"
    )
    serve.add_argument("--root", type=Path, metavar="DIR", default=Path(), help="what relative folders are relative to")
    serve.add_argument("--token-file", type=Path, metavar="FILE", help="holds the token (default: one in the home)")
    reconnect = _command(commands, "reconnect", "steer:reconnect", "connect one server anew", _RECONNECT)
    reconnect.add_argument("server", metavar="SERVER")


def _add_using(commands: Any) -> None:
    tools = _command(commands, "tools", "tools:run", "list tools", _TOOLS)
    tools.add_argument("server", metavar="SERVER", nargs="?", help="one server; all of them without")
    tools.add_argument("--json", action="store_true", help="the definitions by server, as JSON")
    call = _command(commands, "call", "call:run", "call a tool", _CALL)
    call.add_argument("server", metavar="SERVER")
    call.add_argument("tool", metavar="TOOL")
    call.add_argument(
        "arguments", metavar="JSON", nargs="?", default="{}", help="its arguments; `-` reads them from stdin"
    )
    call.add_argument("--json", action="store_true", help="print the whole result as JSON")
    call.add_argument("--yes", action="store_true", help="approve it, if it needs an approval")
    call.add_argument("--timeout", type=_seconds, metavar="SECONDS", help="give up (and tell the server) after so long")


def _add_configuring(commands: Any) -> None:
    take = _command(commands, "import", "importing:run", "take over the servers of other tools", _IMPORT)
    take.add_argument("paths", metavar="PATH", nargs="*", help="a file, or a project's folder; looks around without")
    take.add_argument("--yes", action="store_true", help="do not ask")
    take.add_argument("--dry-run", action="store_true", help="show what would be added and write nothing")
    take.add_argument("--keyring", action="store_true", help="with --yes: move secrets to the system's keyring")
    install = _command(commands, "install", "install:run", "give clients their servers from mcpool", _INSTALL)
    install.add_argument("clients", metavar="CLIENT", nargs="*", help="claude-code, cursor, ...; lists them without")
    install.add_argument("--url", action="store_true", help="by URL and token, for clients that can; else by `connect`")
    install.add_argument("--keyring", action="store_true", help="with --yes: move secrets to the system's keyring")
    uninstall = _command(commands, "uninstall", "uninstall:run", "the opposite of install", _INSTALL)
    uninstall.add_argument("clients", metavar="CLIENT", nargs="*")
    uninstall.add_argument("--all", action="store_true", help="all clients that mcpool is installed in")
    for each in (install, uninstall):
        each.add_argument("--yes", action="store_true", help="do not ask")
        each.add_argument("--dry-run", action="store_true", help="show what would be written and write nothing")
    config = _command(commands, "config", "", "look at the configuration", _CONFIG)
    check = _command(config.add_subparsers(metavar="check", required=True), "check", "config_check:run", "", _CONFIG)
    check.add_argument("file", metavar="FILE", nargs="?", help="default: config.toml in the home")
    explain = _command(commands, "explain", "explain:run", "say where a server comes from, or why it is off", _EXPLAIN)
    explain.add_argument("server", metavar="SERVER")
    explain.add_argument("--cwd", type=Path, metavar="DIR", default=Path(), help="for a client in DIR (default: here)")
    explain.add_argument("--config", type=Path, metavar="FILE", help="default: config.toml in the home")
    trust = _command(commands, "trust", "trust:trust", "let a project's own servers run", _TRUST)
    trust.add_argument("folder", type=Path, metavar="DIR", nargs="?", help="without: list what is trusted")
    trust.add_argument("--yes", action="store_true", help="do not ask")
    untrust = _command(commands, "untrust", "trust:untrust", "the opposite of trust", _TRUST)
    untrust.add_argument("folder", type=Path, metavar="DIR")
    _add_plugin(commands)
    _add_env(commands)
    auth = _command(commands, "auth", "auth:run", "sign in to a server", _AUTH)
    auth.add_argument("words", metavar="SERVER | list | logout SERVER", nargs="+", help="what to do")
    auth.add_argument("--no-browser", action="store_true", help="print the address and take what comes of it by hand")
    auth.add_argument("--principal", default="", metavar="NAME", help="for the clients with this token, not for you")
    auth.add_argument(
        "--scope", action="append", default=[], metavar="SCOPE", help="ask to be allowed this too; may be given again"
    )
    auth.add_argument("--config", type=Path, metavar="FILE", help="default: that of the running daemon, or of the home")
    token = _command(commands, "token", "", "who may use the HTTP endpoint", _TOKEN)
    actions = token.add_subparsers(metavar="ACTION", required=True)
    for action, summary in (
        ("new", "make a token and print it"),
        ("show", "print a token"),
        ("revoke", "refuse it from now on"),
    ):
        made = _command(actions, action, "token:run", summary, summary)
        made.add_argument("name", metavar="NAME", help="on whose behalf its holder speaks")
        made.set_defaults(action=action)
    _command(actions, "list", "token:run", "names and files of the tokens", "").set_defaults(action="list")


def _add_plugin(commands: Any) -> None:
    plugin = _command(commands, "plugin", "", "install bundles of servers and skills", _PLUGIN)
    actions = plugin.add_subparsers(metavar="ACTION", required=True)
    _command(actions, "list", "plugin:show", "what is installed, and what it brings", _PLUGIN)
    add = _command(actions, "add", "plugin:add", "install a plugin", _PLUGIN)
    add.add_argument("path", metavar="PATH", help="the plugin's folder")
    add.add_argument("--link", action="store_true", help="use it where it is, and as it changes, in place of a copy")
    add.add_argument("--yes", action="store_true", help="do not ask")
    remove = _command(actions, "remove", "plugin:remove", "take a plugin away, with what it kept", _PLUGIN)
    remove.add_argument("name", metavar="NAME")


def _add_env(commands: Any) -> None:
    env = _command(commands, "env", "", "run servers elsewhere: in executors", _ENV)
    actions = env.add_subparsers(metavar="ACTION", required=True)
    _command(actions, "list", "env:show", "which there are, and whether they are reached", _ENV)
    add = _command(actions, "add", "env:add", "have an executor", _ENV)
    add.add_argument("name", metavar="NAME", help="what servers call it, as their `environment_id`")
    add.add_argument("url", metavar="URL", help="as `mcpool exec-server` prints it")
    given = add.add_mutually_exclusive_group()
    given.add_argument("--token-file", type=Path, metavar="FILE", help="a copy of the executor's token")
    given.add_argument("--token", metavar="REFERENCE", help="${VAR} or ${keyring:NAME}, as in the configuration")
    remove = _command(actions, "remove", "env:remove", "have it no more; what runs there ends", _ENV)
    remove.add_argument("name", metavar="NAME")


def _port(text: str) -> int:
    port = int(text) if text.isdecimal() else -1
    if not 0 <= port <= 65535:
        from argparse import ArgumentTypeError

        raise ArgumentTypeError(f"a port is a number from 0 (any free one) to 65535, not `{text}`")
    return port


def _count(text: str) -> int:
    if not text.isdecimal():
        from argparse import ArgumentTypeError

        raise ArgumentTypeError(f"it takes a number, 0 or more, not `{text}`")
    return int(text)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < float("inf"):
        from argparse import ArgumentTypeError

        raise ArgumentTypeError(f"it takes a number of seconds above 0, not `{text}`")
    return seconds


_UP = """\
Start the daemon in the foreground: one MCP endpoint on loopback, with one process per server behind it. Without any
configuration it runs a bundled demo server. Prints what to paste into the common clients.

  mcpool up
  mcpool up --config ~/project/.mcp.json
  mcpool up --port 9000
  mcpool up --detach
"""
_RUN = """\
Run a command with a daemon of its own, for as long as the command runs: its own servers, home, port and token, in which
nobody else has a part. For tests and CI. The command finds them by MCPOOL_HOME (for `mcpool connect`, `mcpool call`,
`mcpool.open(attach=True)`), MCPOOL_URL and MCPOOL_TOKEN. Servers see the variables of this command's own environment.
The exit code is the command's: 126 and 127 if it cannot be run or found, 128 and the number of a signal that ended it.

  mcpool run -- pytest
  mcpool run --config ci/servers.toml -- sh -c 'mcpool call git git_status "{}"'
"""
_SERVICE = """\
Have the system run the daemon of this home from login on: a systemd user unit on Linux, a launch agent on macOS.
Clients by shim need no such thing, since the shim starts the daemon; clients by URL do. Says what it did; `uninstall`
undoes it.

  mcpool service install
  mcpool service status
  mcpool service uninstall
"""
_STATUS = """\
Show the servers of the running daemon: a row for each process, with its state, who uses it, and what went wrong last.
With a server's name: all that is known of it. A wider terminal shows more columns.

  mcpool status
  mcpool status git
  mcpool status --json | jq '.servers[] | select(.state == "failed")'
"""
_DOCTOR = """\
Look at the configuration, find each server's command, start it, and say what is wrong or could be better, each with the
line or command that mends it: also copies of your servers that clients run beside mcpool, with their memory, and
clients that get more tools than they take. Exit code 1 if something is wrong.

  mcpool doctor
  mcpool doctor github
  mcpool doctor --json | jq '.findings[] | select(.severity == "error")'
"""
_LOGS = """\
Show the end of what a server wrote to stderr; without a name, of what the daemon has to say. These are the server's own
words: nothing is taken out of them, so look at them before you pass them on.

  mcpool logs git
  mcpool logs git -f
  mcpool logs -n 200
"""
_STOP = """\
End the daemon and all its servers. Clients keep their connection to `mcpool connect`, which starts it again when they
next ask for something.

  mcpool stop && mcpool up
"""
_APPLY = """\
Read the configuration again. Servers whose definition did not change keep their process; only the others start or stop.

  mcpool apply
"""
_RELOAD = """\
Read the configuration again and replace every server by a fresh process. Calls in flight finish on the old ones.

  mcpool reload
"""
_RECONNECT = """\
End the connections of one server and start it anew, also when it had failed too often to be tried again.

  mcpool reconnect github
"""
_ENV = """\
Servers can run in executors: on another machine, in a container, wherever `mcpool exec-server` (or `codex exec-server`)
runs. They are kept in environments.toml in mcpool's home. A server with `environment_id = "NAME"` runs there.

  mcpool env add box ws://127.0.0.1:8378 --token-file box.token
  mcpool env list
  mcpool env remove box
"""
_EXEC_SERVER = """\
Be an executor: run servers, read files and make HTTP requests here, for hosts that have the token. Prints its address.
Whoever has the token can do here what you can, so it listens on loopback only; let others in through a tunnel.

  mcpool exec-server --listen 8378 --root ~/project
"""
_TOOLS = """\
List the tools of one server, or of all, with their arguments (optional ones in brackets).

  mcpool tools
  mcpool tools filesystem
  mcpool tools --json | jq -r '.filesystem[].name'
"""
_CALL = f"""\
Call a tool and print its result: text as it is, anything else named. Progress and log messages go to stderr. If the
server asks something, or the call needs an approval, you are asked here, on a terminal.

  mcpool call demo clock
  mcpool call filesystem read_text_file '{{"path": "README.md"}}'
  echo '{{"path": "."}}' | mcpool call filesystem list_directory -
  mcpool call --json --timeout 10 demo clock | jq .structuredContent

{_EXITS}"""
_IMPORT = """\
Find the MCP servers that your other tools are configured with, show them, and add them to our config.toml. Comments and
order there are kept; equal definitions become one, different ones of one name are renamed.

  mcpool import --dry-run
  mcpool import
  mcpool import ~/project/.vscode/mcp.json --yes
"""
_INSTALL = """\
Have a client (claude-code, claude-desktop, codex, cursor, vscode, gemini, zed, opencode) get its servers from mcpool.
The servers that it has are taken over into our config.toml, and its own file gets an entry for each of ours, under the
names it had. The change is shown first. `uninstall` puts back what was there: byte for byte if the file was not changed
since, else without our entries and with all that was changed.

  mcpool install
  mcpool install claude-code cursor
  mcpool install codex --url
  mcpool uninstall cursor
  mcpool uninstall --all
"""
_CONFIG = """\
Print everything that is wrong with a configuration: file, line, key, and what to do. Exit code 2 if there are errors. A
broken entry never stops the other servers.

  mcpool config check
  mcpool config check ~/project/.mcp.json
"""
_EXPLAIN = """\
Say who contributes a server of this name (your configuration, the administrator's, a project's), which of them counts,
what it is, and if it cannot be used, why.

  mcpool explain git
  mcpool explain git --cwd ~/project
"""
_TRUST = """\
A project may have servers of its own, in `.mcpool/config.toml`. They run programs, so they count only after you saw and
trusted them, and only as you saw them: when the file changes, you are asked again.

  mcpool trust ~/project
  mcpool trust
  mcpool untrust ~/project
"""
_PLUGIN = """\
A plugin is a folder with servers, skills and connectors, as coding agents know it: `.codex-plugin` or `.claude-plugin`,
`.mcp.json`, `.app.json`, `skills`. It counts for all your threads and clients, less than your own configuration.

  mcpool plugin add ~/plugins/review-kit
  mcpool plugin add --link .
  mcpool plugin list
  mcpool plugin remove review-kit
"""
_AUTH = """\
Sign in to a server that wants it. Opens your browser; without a display, or with --no-browser, it prints an address to
visit elsewhere and takes the address that the browser is sent to in the end. Tokens are kept in your keyring if there
is one, else in private files in mcpool's home, and are renewed by themselves.

  mcpool auth linear
  mcpool auth linear --no-browser
  mcpool auth list
  mcpool auth logout linear
"""
_TOKEN = """\
Tokens let clients use the HTTP endpoint. Give each client its own: its name is on whose behalf it speaks.

  mcpool token new laptop
  mcpool token list
  mcpool token show laptop
  mcpool token revoke laptop
"""

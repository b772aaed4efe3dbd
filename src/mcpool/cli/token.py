"""`mcpool token`: who may use the HTTP endpoint."""

from __future__ import annotations

import os
import sys
from argparse import Namespace
from pathlib import Path

from mcpool.cli.exit_codes import OK, USAGE
from mcpool.config.home import ensure_home
from mcpool.errors import DaemonError
from mcpool.gateway.tokens import TokenStore
from mcpool.rendezvous import home_path


def run(arguments: Namespace) -> int:
    """Make, show, list or revoke tokens; a running daemon knows of it within a second."""
    home = ensure_home(Path(home_path(os.environ)))
    tokens = TokenStore(home)
    try:
        match arguments.action:
            case "new":
                return _new(tokens, arguments.name)
            case "show":
                print(tokens.read(arguments.name))
            case "revoke":
                return _revoke(tokens, arguments.name)
            case _:
                for name in tokens.names():
                    print(f"{name}\t{home / 'tokens' / name}")
    except DaemonError as error:
        sys.stderr.write(f"mcpool token: {error}\n")
        return USAGE
    return OK


def _new(tokens: TokenStore, name: str) -> int:
    if name in tokens.names():
        sys.stderr.write(f"mcpool token: there is a token `{name}` already; `mcpool token show {name}` prints it\n")
        return USAGE
    path = tokens.create(name)
    print(tokens.read(name))
    sys.stderr.write(f"kept in {path}; send it as `Authorization: Bearer TOKEN`\n")
    return OK


def _revoke(tokens: TokenStore, name: str) -> int:
    if name not in tokens.names():
        known = ", ".join(tokens.names()) or "none"
        sys.stderr.write(f"mcpool token: no token is named `{name}`; there are: {known}\n")
        return USAGE
    tokens.revoke(name)
    print(f"revoked the token `{name}`; requests with it are refused from now on, and open streams end within seconds")
    return OK

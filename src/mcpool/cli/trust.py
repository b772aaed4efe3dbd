"""`mcpool trust` and `mcpool untrust`: whether the servers of a project may run."""

from __future__ import annotations

import json
import os
import shlex
from argparse import Namespace
from pathlib import Path

from mcpool.cli.confirm import confirmed
from mcpool.cli.control import tell_to_apply
from mcpool.cli.exit_codes import OK, USAGE
from mcpool.cli.screen import Screen
from mcpool.config.document import Document, read_document
from mcpool.config.home import ensure_home
from mcpool.config.loading import entries
from mcpool.config.problem import Problem
from mcpool.config.project import project_file
from mcpool.config.table import as_list
from mcpool.config.trust import TrustStore
from mcpool.errors import ConfigError
from mcpool.rendezvous import home_path

_IN_THE_LINE = ("command", "args", "url")


def trust(arguments: Namespace) -> int:
    """Show what a project's servers would run, and trust its file as it is."""
    screen, home = Screen(), ensure_home(Path(home_path(os.environ)))
    store = TrustStore(home)
    if arguments.folder is None:
        return _list(screen, store)
    file = _file(arguments.folder, home)
    document = read_document(file)
    if isinstance(document, Problem):
        raise ConfigError([str(document)])
    known = store.of(file, document.digest)
    if known == "trusted":
        screen.line(f"{file} is trusted already")
        return OK
    screen.line(f"{file}{' changed since you trusted it' if known == 'changed' else ''}:")
    for line in _described(document):
        screen.line(f"  {line}")
    if not arguments.yes and not confirmed(
        "trust it, as it is now?", default=False, otherwise="say `--yes` if you saw it"
    ):
        screen.line("nothing was changed")
        return USAGE
    store.trust(file, document.digest)
    screen.line(f"{file} is trusted; its servers are there for clients in {file.parent.parent}")
    tell_to_apply()
    return OK


def untrust(arguments: Namespace) -> int:
    """Trust a project no longer."""
    screen, home = Screen(), ensure_home(Path(home_path(os.environ)))
    file = _file(arguments.folder, home)
    if TrustStore(home).distrust(file):
        screen.line(f"{file} is no longer trusted")
        tell_to_apply()
    else:
        screen.line(f"{file} was not trusted")
    return OK


def _list(screen: Screen, store: TrustStore) -> int:
    files = store.files()
    for file in files:
        document = read_document(file)
        if isinstance(document, Problem):
            screen.line(f"{file} ({document.message})")
        else:
            changed = store.of(file, document.digest) == "changed"
            screen.line(f"{file}{' (changed since, so nothing of it runs)' if changed else ''}")
    if not files:
        screen.line("no project is trusted; `mcpool trust DIR` trusts one")
    return OK


def _file(folder: Path, home: Path) -> Path:
    file = project_file(folder.absolute(), home)
    if file is None:
        what = f"neither {folder} nor a folder around it has a .mcpool/config.toml"
        raise ConfigError([f"{what}; name the folder of a project that has one"])
    return file


def _described(document: Document) -> list[str]:
    lines: list[str] = []
    for entry in entries(document, document.report(), os.environ.get("HOME")):
        words = [str(entry.table.get("command", "")), *map(str, as_list(entry.table.get("args", [])) or [])]
        lines.append(f"{entry.name}: {entry.table['url'] if 'url' in entry.table else shlex.join(words)}")
        # Variables, folders, headers and the command that makes them decide on what runs as much as arguments do.
        more = ((key, value) for key, value in entry.table.items() if key not in _IN_THE_LINE)
        lines.extend(f"  {key} = {json.dumps(value, default=str)}" for key, value in more)
    return lines or ["it describes no servers"]

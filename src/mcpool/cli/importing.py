"""`mcpool import [PATH]`: take over the servers of other tools."""

from __future__ import annotations

import os
from argparse import Namespace
from pathlib import Path

from mcpool.cli.confirm import confirmed
from mcpool.cli.exit_codes import OK, USAGE
from mcpool.cli.screen import Screen
from mcpool.config.home import ensure_home
from mcpool.config.import_plan import Addition, ImportPlan, with_keyring
from mcpool.config.importing import plan_import
from mcpool.config.merging import apply_import
from mcpool.config.secrets import store_keyring_secret
from mcpool.config.writing import read_config, write_config
from mcpool.rendezvous import home_path

_OTHERWISE = "say `--yes` to write it, or `--dry-run` to look only"


def run(arguments: Namespace) -> int:
    """Show what would be added, ask, and write it."""
    home = ensure_home(Path(home_path(os.environ)))
    file = home / "config.toml"
    current = read_config(file)
    paths = [Path(path).expanduser() for path in arguments.paths] or None
    plan = plan_import(paths, current, user_home=Path.home(), cwd=Path.cwd())
    screen = Screen()
    show_plan(plan, screen)
    if not plan.added:
        return USAGE if any(problem.severity == "error" for problem in plan.problems) else OK
    if arguments.dry_run:
        screen.line(f"\nnothing was written; without --dry-run they are added to {file}")
        return OK
    if not arguments.yes and not confirmed(
        f"add {_count(len(plan.added))} to {file}?", default=True, otherwise=_OTHERWISE
    ):
        screen.line("nothing was written")
        return OK
    plan = secrets_stored(plan, screen, arguments)
    backup = write_config(file, apply_import(plan, current))
    screen.line(
        f"added {_count(len(plan.added))} to {file}" + (f"; the old one is {backup}" if backup else ""), "green"
    )
    screen.line("`mcpool apply` makes a running daemon use them; `mcpool up` starts one")
    return OK


def show_plan(plan: ImportPlan, screen: Screen) -> None:
    """What would be added, what need not be, and what is wrong."""
    if not plan.files:
        screen.line("no configuration of another tool was found; name one: `mcpool import PATH`")
    for addition in plan.added:
        screen.line(f"{addition.name}  from {addition.host}, {_place(addition)}", "bold")
        screen.line(f"  {addition.essence}")
        for place in addition.also_in:
            screen.line(f"  the same in {place}")
        for note in addition.notes:
            screen.line(f"  {note}")
        for secret in addition.secrets:
            screen.line(f"  holds a secret in plain text: {'.'.join(map(str, secret.path))}", "yellow")
    for skipped in plan.skipped:
        screen.line(f"{skipped.name}  from {skipped.host}: {skipped.reason}", "dim")
    for problem in plan.problems:
        screen.line(f"{problem.severity}: {problem}", "red" if problem.severity == "error" else "yellow")
    if plan.files and not plan.added:
        screen.line("there is nothing to add")


def _place(addition: Addition) -> str:
    return addition.file if addition.line is None else f"{addition.file}:{addition.line}"


def secrets_stored(plan: ImportPlan, screen: Screen, arguments: Namespace) -> ImportPlan:
    """Move secrets to the keyring, if there is one and the user agrees."""
    if not plan.secrets:
        return plan
    moved, stored = with_keyring(plan)
    names = ", ".join(stored)
    if not arguments.keyring and (
        arguments.yes or not confirmed(f"move {names} to your keyring?", default=True, otherwise=_OTHERWISE)
    ):
        screen.line(f"{names}: written as they are, into a file that only you can read", "yellow")
        return plan
    for name, value in stored.items():
        store_keyring_secret(name, value)
    screen.line(f"{names}: kept in your keyring", "green")
    return moved


def _count(number: int) -> str:
    return "1 server" if number == 1 else f"{number} servers"

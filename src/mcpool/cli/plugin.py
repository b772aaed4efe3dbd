"""`mcpool plugin`: what is installed, what it brings, and how it comes and goes."""

from __future__ import annotations

import asyncio
import os
import shlex
from argparse import Namespace
from pathlib import Path

from mcpool.cli.confirm import confirmed
from mcpool.cli.control import tell_to_apply
from mcpool.cli.exit_codes import OK, USAGE
from mcpool.cli.screen import Screen
from mcpool.config.home import ensure_home
from mcpool.config.server import Http, ServerConfig
from mcpool.environments.files import LocalFiles
from mcpool.errors import ConfigError
from mcpool.plugins.contents import Contents
from mcpool.plugins.installed import InstalledPlugins
from mcpool.plugins.manifest import usable_name
from mcpool.plugins.placement import Placement
from mcpool.plugins.reading import read_root
from mcpool.rendezvous import home_path


def show(arguments: Namespace) -> int:
    """List the plugins that are installed."""
    screen, installed = Screen(), _installed()
    found = installed.all()
    for plugin in found:
        contents = _read(plugin.folder, plugin.name, installed)
        screen.line(f"{plugin.name}{f' (where it is: {plugin.folder})' if plugin.linked else ''}", "bold")
        _describe(screen, contents)
    if not found:
        screen.line("no plugin is installed; `mcpool plugin add PATH` installs one")
    return OK


def add(arguments: Namespace) -> int:
    """Show what a plugin brings, and install it."""
    screen, installed = Screen(), _installed()
    source = Path(os.path.abspath(arguments.path))
    name = usable_name(source.name) or "plugin"
    contents = _read(source, name, installed)
    name = contents.name or name
    if not (contents.servers or contents.skills or contents.connectors):
        problems = [str(problem) for problem in contents.problems]
        if all(problem.file != contents.root for problem in contents.problems):  # else nothing of it could be read
            problems.append(f"{source} brings no server, skill or connector; name the folder of a plugin")
        raise ConfigError(problems)
    screen.line(f"{name}:", "bold")
    _describe(screen, contents)
    again = any(plugin.name == name for plugin in installed.all())
    question = f"put it in the place of the `{name}` that is installed?" if again else "install it?"
    if not arguments.yes and not confirmed(question, default=False, otherwise="say `--yes` if you want it"):
        screen.line("nothing was changed")
        return USAGE
    placed = installed.add(source, name, link=arguments.link)
    how = f"is used where it is, in {placed.folder}" if placed.linked else "is installed"
    screen.line(f"{name} {how}")
    tell_to_apply()
    return OK


def remove(arguments: Namespace) -> int:
    """Take a plugin away."""
    screen, installed = Screen(), _installed()
    if not installed.remove(arguments.name):
        known = ", ".join(plugin.name for plugin in installed.all()) or "none"
        raise ConfigError([f"no plugin is called `{arguments.name}`; installed: {known}"])
    screen.line(f"{arguments.name} was removed")
    tell_to_apply()
    return OK


def _installed() -> InstalledPlugins:
    return InstalledPlugins(ensure_home(Path(home_path(os.environ))))


def _read(folder: Path, name: str, installed: InstalledPlugins) -> Contents:
    placement = Placement(str(folder), None, os.environ, str(installed.data(name)))
    return asyncio.run(read_root(LocalFiles(), name, placement))


def _describe(screen: Screen, contents: Contents) -> None:
    if contents.description:
        screen.line(f"  {contents.description}")
    for server in contents.servers:
        screen.line(f"  server {server.name}: {_what(server)}")
    for skill in contents.skills:
        screen.line(f"  skill {skill.name}: {skill.description}")
    for connector in contents.connectors:
        screen.line(f"  connector {connector.name}: {connector.id}")
    for problem in contents.problems:
        screen.line(f"  {problem.severity}: {problem}", "yellow")


def _what(server: ServerConfig) -> str:
    transport = server.transport
    if isinstance(transport, Http):
        return f"an endpoint at {transport.host}"
    return shlex.join((transport.command, *transport.args))

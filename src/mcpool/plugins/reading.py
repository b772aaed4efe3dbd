"""Reading a root through the files of its environment. Nothing outside of the root is looked at, wherever links lead.

Each part stands for itself: one that cannot be read or is wrong is a problem of its own, and the others are there.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path, PurePosixPath

from mcpool.catalog.connector import Connector
from mcpool.config.document import Document, read_json
from mcpool.config.problem import Problem, Report
from mcpool.config.server import CLIENT_CWD, LOCAL, ServerConfig, Stdio
from mcpool.environments.files import Files
from mcpool.environments.files_within import FilesWithin
from mcpool.plugins import apps, manifest, servers, skill
from mcpool.plugins.beneath import beneath, is_beneath, is_path
from mcpool.plugins.contents import Contents, Skill
from mcpool.plugins.placement import Placement

SKILLS = "skills"
MOST_BYTES = 1024 * 1024
"""Of a manifest, and of a list of servers or connectors."""

MOST_FOLDERS = 512
"""That are looked into for a skill."""

AT_ONCE = 16
"""Skills that are asked for at the same time."""


async def read_root(files: Files, id: str, placement: Placement) -> Contents:
    """What the root holds.

    Raises:
        ConnectionError, TimeoutError: the environment was lost. Anything else that is wrong is a problem of the result.
    """
    return await _Reader(files, id, placement).read()


async def read_body(files: Files, root: str, path: str) -> str:
    """The text of a skill's SKILL.md. Raises: OSError, ValueError, if it cannot be read or is not in the root."""
    return (await FilesWithin(files, root).read(path, skill.LONGEST)).decode("utf-8")


class _Reader:
    def __init__(self, files: Files, id: str, placement: Placement) -> None:
        self._files = files
        self._id = id
        self._placement = placement
        self._root = placement.root
        self._real_root = placement.root
        self._environment = placement.environment or LOCAL
        self._problems: list[Problem] = []
        self._looked_at: set[str] = set()
        self._turn = asyncio.Semaphore(AT_ONCE)

    async def read(self) -> Contents:
        try:
            self._real_root = await self._files.real_path(self._root)
            if await self._files.kind(self._real_root) != "folder":
                return self._unusable("is not a folder", "name the folder of a plugin, or of skills")
        except (ConnectionError, TimeoutError):
            raise
        except OSError as error:
            return self._unusable(f"cannot be read: {_why(error)}", "check the path and its permissions")
        return await self._read_parts()

    async def _read_parts(self) -> Contents:
        document, place = await self._manifest()
        if isinstance(document, Problem):
            self._problems.append(document)
            return self._contents()
        usual_servers, usual_apps = await asyncio.gather(self._json(servers.USUAL), self._json(apps.USUAL))
        found: manifest.Manifest | None = None
        if document is not None:
            report = document.report()
            found = manifest.read_manifest(document, report, folder=PurePosixPath(self._root).name, place=place)
            self._problems += report.problems
        elif usual_servers is not None or usual_apps is not None:
            found = manifest.Manifest(manifest.usable_name(PurePosixPath(self._root).name) or "plugin")
        name = "" if found is None else found.name
        bound = await self._servers(found, document, usual_servers)
        skills = await self._skills(name, () if found is None else found.skills)
        connectors = () if found is None else await self._connectors(found, usual_apps)
        return replace(
            self._contents(),
            name=name,
            description="" if found is None else found.description,
            servers=bound,
            skills=skills,
            connectors=connectors,
        )

    def _unusable(self, message: str, remedy: str) -> Contents:
        self._looked_at.add(self._root)
        self._problem(self._root, message, remedy)
        return self._contents()

    def _contents(self) -> Contents:
        return Contents(self._id, self._root, problems=tuple(self._problems), files=frozenset(self._looked_at))

    # ------------------------------------------------------------------ its parts

    async def _manifest(self) -> tuple[Document | Problem | None, str]:
        for place in manifest.PLACES:
            document = await self._json(place)
            if document is not None:
                return document, place
        return None, ""

    async def _servers(
        self, found: manifest.Manifest | None, document: Document | None, usual: Document | Problem | None
    ) -> tuple[ServerConfig, ...]:
        if found is None:
            return ()
        sources: list[Document | Problem | None] = []
        if found.more_servers is not None and document is not None:
            sources.append(replace(document, data={"mcpServers": found.more_servers}))
        sources += await asyncio.gather(*(self._json(place, wanted=True) for place in found.servers))
        if not found.only_these_servers:
            sources.append(usual)
        bound: dict[str, ServerConfig] = {}
        for source in sources:
            if isinstance(source, Problem):
                self._problems.append(source)
            elif source is not None:
                read, problems = servers.read_servers(source, self._placement)
                self._problems += problems
                for server in read:
                    if await self._runs_inside(server):
                        bound.setdefault(server.name, server)
        return tuple(bound.values())

    async def _runs_inside(self, server: ServerConfig) -> bool:
        """Whether its working folder, if it is one of the plugin's, is really in the plugin's folder."""
        transport = server.transport
        if not isinstance(transport, Stdio) or transport.cwd == CLIENT_CWD or not is_beneath(self._root, transport.cwd):
            return True
        try:
            real = await self._files.real_path(transport.cwd)
        except (ConnectionError, TimeoutError):
            raise
        except OSError:
            return True  # it may be made before the server starts, and starting says what is wrong
        if is_beneath(self._real_root, real):
            return True
        self._problem(
            server.file or self._root,
            f"the `cwd` of `{server.name}` is a link that leads out of the plugin's folder",
            "name a folder inside it",
        )
        return False

    async def _connectors(self, found: manifest.Manifest, usual: Document | Problem | None) -> tuple[Connector, ...]:
        document = usual if found.apps is None else await self._json(found.apps, wanted=True)
        if isinstance(document, Problem):
            self._problems.append(document)
        if not isinstance(document, Document):
            return ()
        report = document.report()
        connectors = apps.read_apps(document, report, self._id)
        self._problems += report.problems
        return connectors

    # ------------------------------------------------------------------ skills

    async def _skills(self, plugin: str, more: Iterable[str]) -> tuple[Skill, ...]:
        """Those in the root itself, in `skills`, and in what the manifest names, in the order of their names."""
        places = [self._root] if not plugin else []
        places += [path for name in (SKILLS, *more) if (path := beneath(self._root, name)) is not None]
        folders: dict[str, None] = {}
        for place in places:
            folders |= dict.fromkeys(await self._folders_of_skills(place))
        if len(folders) > MOST_FOLDERS:
            what = f"holds {len(folders)} folders, of which the first {MOST_FOLDERS} are looked into for skills"
            self._problem(self._root, what, "choose a folder with fewer")
        read = await asyncio.gather(*(self._skill(folder, plugin) for folder in list(folders)[:MOST_FOLDERS]))
        found: dict[str, Skill] = {}
        for one in read:
            if one is not None and one.name in found:
                what = f"is a second skill called `{one.name}`, and is left out"
                self._problem(one.path, what, "rename one of them")
            elif one is not None:
                found[one.name] = one
        if len(found) > skill.MOST:
            what = f"holds {len(found)} skills, of which the first {skill.MOST} count"
            self._problem(self._root, what, "choose a folder with fewer")
        return tuple(found.values())[: skill.MOST]

    async def _folders_of_skills(self, place: str) -> list[str]:
        """The folder itself if it is one of a skill, else those in it."""
        try:
            real = await self._real(place)
            if real is None:
                return []
            self._looked_at.add(place)
            entries = await self._files.list(real)
        except (FileNotFoundError, NotADirectoryError):
            return []
        except (ConnectionError, TimeoutError):
            raise
        except OSError as error:
            self._problem(place, f"cannot be listed: {_why(error)}", "check its permissions")
            return []
        if any(entry.name == skill.FILE for entry in entries):
            return [place]
        return [
            str(PurePosixPath(place) / entry.name)
            for entry in entries
            if entry.kind == "folder" and not entry.name.startswith(".") and is_path(entry.name)
        ]

    async def _skill(self, folder: str, plugin: str) -> Skill | None:
        path = str(PurePosixPath(folder) / skill.FILE)
        async with self._turn:
            text = await self._text(path, skill.LONGEST)
        if text is None:
            return None
        if isinstance(text, Problem):
            self._problems.append(text)
            return None
        report = Report(self._shown(path), lambda _: None)
        found = skill.read_skill(text, path, PurePosixPath(folder).name, plugin, self._environment, report)
        self._problems += report.problems
        return found

    # ------------------------------------------------------------------ files

    async def _json(self, place: str, *, wanted: bool = False) -> Document | Problem | None:
        """A JSON file of the root; None if there is none, and it is not `wanted`."""
        path = beneath(self._root, place)
        assert path is not None, "read_manifest lets no other through"
        text = await self._text(path, MOST_BYTES)
        if text is None and wanted:
            return Problem("error", self._shown(path), None, "", "does not exist", "correct the manifest that names it")
        if not isinstance(text, str):
            return text
        # What is relative in it is relative to the plugin's folder.
        return read_json(self._shown(path), text, Path(self._root))

    async def _text(self, path: str, most: int) -> str | Problem | None:
        """The text of a file; None if there is none."""
        self._looked_at.add(path)
        problem: tuple[str, str]
        try:
            real = await self._real(path)
            if real is None:
                return None
            return (await self._files.read(real, most)).decode("utf-8-sig")
        except (FileNotFoundError, NotADirectoryError):
            return None
        except (ConnectionError, TimeoutError):
            raise
        except OSError as error:
            problem = (f"cannot be read: {_why(error)}", "check the file and its permissions")
        except UnicodeDecodeError:
            problem = ("is not valid UTF-8", "save the file as UTF-8")
        return Problem("error", self._shown(path), None, "", *problem)

    async def _real(self, path: str) -> str | None:
        """Where it really is; None if that is outside of the root. Raises: OSError."""
        real = await self._files.real_path(path)
        if is_beneath(self._real_root, real):
            return real
        self._problem(path, "is a link that leads out of the plugin's folder, and is left out", "put a copy there")
        return None

    def _problem(self, path: str, message: str, remedy: str) -> None:
        self._problems.append(Problem("error", self._shown(path), None, "", message, remedy))

    def _shown(self, path: str) -> str:
        return path if self._environment == LOCAL else f"{self._environment}:{path}"


def _why(error: OSError) -> str:
    return error.strerror or str(error)

"""One file of one client: as it is, as it would be without mcpool, and as it will be."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from mcpool.clients.change import look_up
from mcpool.clients.known import Client
from mcpool.clients.planning import InstallPlan, plan_entries, plan_undo
from mcpool.clients.record import Record, digest_of
from mcpool.clients.rewriting import data_of, rewritten
from mcpool.clients.three_way import merged
from mcpool.config.document import MAX_FILE_BYTES
from mcpool.config.problem import KeyPath
from mcpool.config.table import Table
from mcpool.errors import ConfigError


def read_client_file(file: Path) -> bytes | None:
    """What the file holds, None if it is not there.

    Raises:
        ConfigError: it cannot be read, or is no such file.
    """
    try:
        if file.exists() and not file.is_file():
            raise ConfigError([f"{file}: is not a regular file; move it away"])
        if file.exists() and file.stat().st_size > MAX_FILE_BYTES:
            raise ConfigError([f"{file}: is larger than {MAX_FILE_BYTES // 2**20} MiB; is it the right file?"])
        return file.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ConfigError([f"{file}: could not be read: {error.strerror}; check its permissions"]) from error


def text_of(file: Path, content: bytes | None) -> str:
    """The same as text, a byte order mark included.

    Raises:
        ConfigError: it is not UTF-8.
    """
    try:
        return (content or b"").decode()
    except UnicodeDecodeError as error:
        raise ConfigError([f"{file}: is not valid UTF-8; save it as UTF-8; nothing was changed"]) from error


@dataclass(frozen=True, slots=True)
class Undone:
    """A file without our entries. `left` names those that somebody made their own."""

    content: bytes | None
    left: tuple[KeyPath, ...] = ()
    exact: bool = True
    """Whether it is what it was, byte for byte."""


def undone(current: bytes | None, record: Record) -> Undone:
    """What the file would hold had mcpool never written to it, with all that others changed since.

    Raises:
        ConfigError: it is broken now, or written in a way that cannot be edited.
    """
    if digest_of(current) == record.digest:
        return Undone(record.original)
    if current is None:
        return Undone(None)
    text, original = text_of(record.file, current), text_of(record.file, record.original)
    plan = plan_undo(data_of(record.file, text), data_of(record.file, original), original, record.entries)
    wrote = rewritten(record.file, original, InstallPlan(record.entries).changes)
    back = rewritten(record.file, text, plan.changes, merged(wrote, text, original))
    return Undone(back.encode(), plan.left, exact=False)


@dataclass(frozen=True, slots=True)
class Target:
    """A file that is being installed into. `base` is what it would hold without mcpool."""

    client: Client
    file: Path
    current: bytes | None
    base: bytes | None
    record: Record | None
    data: Table
    """The values of `base`."""

    @classmethod
    def of(cls, client: Client, file: Path, record: Record | None) -> Target:
        """Read it.

        Raises:
            ConfigError: it cannot be read, is broken, or cannot be edited.
        """
        current = read_client_file(file)
        base = current if record is None else undone(current, record).content
        return cls(client, file, current, base, record, data_of(file, text_of(file, base)))

    def plan(
        self, taken: Mapping[KeyPath, str], servers: Sequence[str], entry_for: Callable[[str], Table]
    ) -> InstallPlan:
        """As `plan_entries`; what was taken over before counts as well."""
        before = {entry.path: entry.server for entry in self.record.entries} if self.record else {}
        known = {path: server for path, server in before.items() if look_up(self.data, path) is not None}
        return plan_entries(self.client, self.data, {**taken, **known}, servers, entry_for)

    def written(self, plan: InstallPlan) -> bytes:
        """What the file will hold.

        Raises:
            ConfigError: it is written in a way that cannot be edited.
        """
        return rewritten(self.file, text_of(self.file, self.base), plan.changes).encode()

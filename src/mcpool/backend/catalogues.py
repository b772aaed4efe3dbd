"""What the tools of each server were when they were last listed: by identity, so that a fresh process of it, or a fresh
host, can show them before they are listed again. Only shown: every decision waits for the live list."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from dataclasses import dataclass
from typing import Protocol

from mcpool.backend.first_sight import Window
from mcpool.backend.tools import Catalogue, read_catalogue
from mcpool.catalog.identity import Identity

REMEMBERED = 1024
"""How many identities are remembered; of more, those are forgotten that were leased longest ago."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A list of tools that was kept somewhere. `tools` are the definitions, byte for byte the server's JSON."""

    tools: tuple[bytes, ...]
    stale: bool
    """Whether it is so old that it should be read again soon."""


class CatalogueStore(Protocol):
    """Keeps lists of tools for hosts to come. Neither method may block for long, or raise."""

    def load(self, identity: Identity) -> Kept | None:
        """The list that was kept last."""
        ...

    def save(self, identity: Identity, tools: tuple[bytes, ...]) -> None:
        """Keep a list in place of the one before."""
        ...


class NoStore:
    """Keeps nothing."""

    def load(self, identity: Identity) -> Kept | None:
        """Nothing was kept."""

    def save(self, identity: Identity, tools: tuple[bytes, ...]) -> None:
        """Nothing is kept."""


class Known:
    """What is known of one identity, shared by all its backends."""

    __slots__ = ("_identity", "_seen", "_store", "catalogue", "doubted", "stale", "window")

    def __init__(self, identity: Identity, store: CatalogueStore) -> None:
        self._identity = identity
        self._store = store
        self._seen: asyncio.Future[None] | None = None
        kept = store.load(identity)
        self.catalogue = None if kept is None else _read(kept, identity)
        """What a fresh process last listed; None: nobody ever saw its tools."""
        self.stale = kept is not None and kept.stale
        """The list is old: it is shown, and read again as soon as somebody looks."""
        self.doubted = False
        """The list may be another one now: who looks waits a moment for the new one."""
        self.window = Window()
        """How long to wait for the first, or the next, list."""

    def __repr__(self) -> str:
        tools = "never seen" if self.catalogue is None else f"{len(self.catalogue.tools)} tools"
        return f"<Known [{tools}{', doubted' if self.doubted else ''}{', stale' if self.stale else ''}]>"

    def learn(self, catalogue: Catalogue) -> None:
        """A fresh process lists this."""
        if self.catalogue is None or self.stale or self.catalogue.fingerprint != catalogue.fingerprint:
            self._store.save(self._identity, tuple(tool.raw for tool in catalogue.tools))
        self.catalogue = catalogue
        self.stale = self.doubted = False
        self.window.close()
        if self._seen is not None:
            self._seen.set_result(None)
            self._seen = None

    def doubt(self) -> None:
        """Whoever wanted fresh processes may have changed what they offer."""
        self.doubted = True
        self.window.close()

    def seen(self, loop: asyncio.AbstractEventLoop) -> asyncio.Future[None]:
        """Is done as soon as a process of this identity has listed its tools. To be waited for, never cancelled."""
        if self._seen is None:
            self._seen = loop.create_future()
        return self._seen


def _read(kept: Kept, identity: Identity) -> Catalogue:
    return read_catalogue(kept.tools, revision=0, connectors=identity.connectors)[0]


class Catalogues:
    """The memory of a host."""

    def __init__(self, store: CatalogueStore | None = None) -> None:
        self._store = NoStore() if store is None else store
        self._known: OrderedDict[Identity, Known] = OrderedDict()

    def __len__(self) -> int:
        return len(self._known)

    def of(self, identity: Identity) -> Known:
        """What is known of an identity, from now on shared with all others who ask for it."""
        known = self._known.get(identity)
        if known is None:
            known = self._known[identity] = Known(identity, self._store)
            if len(self._known) > REMEMBERED:
                self._known.popitem(last=False)
        else:
            self._known.move_to_end(identity)
        return known

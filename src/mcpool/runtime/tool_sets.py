"""Tool sets are built once for each combination of catalogues and views, and shared by all who see the same."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Set

from mcpool.backend.tools import Catalogue
from mcpool.catalog.toolnames import PROFILE_64, NameProfile
from mcpool.config.server import Surface
from mcpool.runtime.tool_set import Tool, ToolSet, named
from mcpool.runtime.view import View

_KEPT = 64

_Part = tuple[str, View, bytes]


SURFACES: tuple[Surface, ...] = ("direct", "deferred", "code_mode")


class Shown:
    """The tools of a step: all that may be called, and by where the model is shown them."""

    __slots__ = ("_on", "callable")

    def __init__(
        self, tools: Mapping[str, Tool], omitted: Mapping[str, Set[Surface]], pending: tuple[str, ...]
    ) -> None:
        """`omitted` says of a server where its tools are not shown. A tool has the same name wherever it is shown."""
        whole = ToolSet(tools, pending)
        self._on = dict.fromkeys(SURFACES, whole)
        self.callable = whole
        """Those that are shown anywhere."""
        if any(omitted.values()):
            for surface in SURFACES:
                kept = {name: tool for name, tool in tools.items() if surface not in omitted[tool.server]}
                self._on[surface] = ToolSet(kept, pending)
            kept = {name: tool for name, tool in tools.items() if not omitted[tool.server] >= set(SURFACES)}
            self.callable = ToolSet(kept, pending)

    def on(self, surface: Surface) -> ToolSet:
        """Those that are shown there."""
        return self._on[surface]


class ToolSets:
    """A bounded cache. What it returns for equal input is the same object, so specs stay byte-identical."""

    def __init__(self, profile: NameProfile = PROFILE_64) -> None:
        self._profile = profile
        self._kept: OrderedDict[tuple[tuple[_Part, ...], tuple[str, ...]], Shown] = OrderedDict()

    def of(self, shown: Mapping[str, tuple[View, Catalogue]], pending: tuple[str, ...]) -> Shown:
        """What these servers show. `pending` are those whose tools are not known yet."""
        key = (tuple((name, view, catalogue.fingerprint) for name, (view, catalogue) in shown.items()), pending)
        kept = self._kept.get(key)
        if kept is not None:
            self._kept.move_to_end(key)
            return kept
        tools = named(
            {name: view.select(catalogue.tools) for name, (view, catalogue) in shown.items()},
            self._profile,
            lambda server, tool: shown[server][0].connector_of(tool),
        )
        omitted = {name: view.omitted_from for name, (view, _) in shown.items()}
        made = self._kept[key] = Shown(tools, omitted, pending)
        if len(self._kept) > _KEPT:
            self._kept.popitem(last=False)
        return made

"""Tool sets are built once for each combination of catalogues and views, and shared by all who see the same."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping

from mcpool.backend.tools import Catalogue
from mcpool.catalog.toolnames import PROFILE_64, NameProfile
from mcpool.runtime.tool_set import ToolSet
from mcpool.runtime.view import View

_KEPT = 64

_Part = tuple[str, View, bytes]


class ToolSets:
    """A bounded cache. Sets that it returns for equal input are the same object, so specs stay byte-identical."""

    def __init__(self, profile: NameProfile = PROFILE_64) -> None:
        self._profile = profile
        self._kept: OrderedDict[tuple[tuple[_Part, ...], tuple[str, ...]], ToolSet] = OrderedDict()

    def of(self, shown: Mapping[str, tuple[View, Catalogue]], pending: tuple[str, ...]) -> ToolSet:
        """The tool set of these servers."""
        key = (tuple((name, view, catalogue.fingerprint) for name, (view, catalogue) in shown.items()), pending)
        kept = self._kept.get(key)
        if kept is not None:
            self._kept.move_to_end(key)
            return kept
        by_server = {name: view.select(catalogue.tools) for name, (view, catalogue) in shown.items()}
        made = self._kept[key] = ToolSet(by_server, pending, self._profile)
        if len(self._kept) > _KEPT:
            self._kept.popitem(last=False)
        return made

"""Connectors: applications that are reached through the host's own server. Plain values."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Connector:
    """One application, as a selected plugin names it."""

    id: str
    plugin: str
    """Which plugin selected it first."""
    name: str = ""

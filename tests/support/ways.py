"""The way to the network that tests go by."""

from __future__ import annotations

from mcpool.oauth.way import from_here

HERE = from_here(lambda url: None)
"""This machine's, without a proxy."""

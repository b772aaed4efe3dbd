"""What servers are told that their client is."""

from __future__ import annotations

import msgspec

from mcpool._version import __version__

CLIENT_INFO = msgspec.json.encode({"name": "mcpool", "title": "mcpool", "version": __version__})

"""This machine as a place to start servers, with everything that sees to it that they end."""

from __future__ import annotations

import logging
import os
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from mcpool.launch.cookie import HostCookie
from mcpool.launch.local import LocalLauncher
from mcpool.launch.local_link import Patience
from mcpool.launch.sweep import sweep
from mcpool.launch.warden_client import Warden

_logger = logging.getLogger(__name__)


@asynccontextmanager
async def open_local(
    home: Path,
    environ: Mapping[str, str] | None = None,
    *,
    log_dir: Path | None = None,
    patience: Patience | None = None,
) -> AsyncGenerator[LocalLauncher]:
    """Become a host of `home`: sweep what dead hosts left, start the warden, and give a launcher that uses both.

    On leaving every server is ended, then the warden dismissed.

    Raises:
        OSError: the home can't be written.
        McpoolError: the warden can't be started.
    """
    environ = os.environ if environ is None else environ
    with HostCookie.claim(home) as cookie:
        swept = await sweep(home, environ)
        if swept.ended:
            _logger.warning("ended processes that a host which was killed had left: %s", swept.ended)
        for problem in swept.problems:
            _logger.warning("containers that a host which was killed had left: %s", problem)
        async with Warden.open(home, cookie.text, environ) as warden:

            def on_container(client: Sequence[str]) -> None:
                cookie.remember_container(client)
                warden.containers_of(client)

            async with LocalLauncher(
                home, warden, cookie.text, log_dir, patience=patience, on_container=on_container
            ) as launcher:
                yield launcher

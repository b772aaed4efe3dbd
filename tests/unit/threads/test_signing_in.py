"""Signing in where the servers are those of the daemon."""

from __future__ import annotations

from unittest.mock import Mock

import pytest

from mcpool.errors import ConfigError
from mcpool.threads.signing_in import nobody_signs_in


async def test_an_attached_host_says_which_command_signs_in() -> None:
    binding = Mock()
    binding.config.name = "web"
    with pytest.raises(ConfigError, match="`mcpool auth web` signs in to this one"):
        await nobody_signs_in(binding, Mock(), ())

"""How the tests are shared among workers, and what of the machine they see."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from xdist.remote import Producer  # pyright: ignore[reportMissingTypeStubs]
from xdist.scheduler import LoadScopeScheduling  # pyright: ignore[reportMissingTypeStubs]

FEW_FILES = 20
"""With no more of them the tests are over before workers would have started."""


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """For `-n auto`: none for a few tests, or where somebody watches; else more than cores, as many tests wait."""
    return 0 if _watched(config) or _few(config) else (os.cpu_count() or 1) + 2


def _watched(config: pytest.Config) -> bool:
    """Whether what the tests print is to be seen as they print it, or they are only to be listed."""
    return config.getoption("capture") == "no" or bool(config.getoption("trace") or config.getoption("collectonly"))


def _few(config: pytest.Config) -> bool:
    if config.getoption("keyword") or config.getoption("markexpr") or config.getoption("lf"):
        return True
    paths = [Path(argument.partition("::")[0]) for argument in config.args]
    return sum(len(list(path.rglob("test_*.py"))) if path.is_dir() else 1 for path in paths) <= FEW_FILES


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadScopeScheduling:
    """Each test goes to whoever is free, but those of a module that shares something go to one worker."""
    return _Sharing(config, log)


class _Sharing(LoadScopeScheduling):
    def _split_scope(self, nodeid: str) -> str:
        """What has to stay together with this test."""
        module = nodeid.partition("::")[0]
        return module if _shares(self.config.rootpath / module) else nodeid


@cache
def _shares(module: Path) -> bool:
    """Whether it sets something up once for all of its tests, such as a daemon."""
    return 'scope="module"' in module.read_text()


@pytest.fixture(scope="session", autouse=True)
def nobody(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The account of nobody: the login shell of whoever runs the tests may take seconds, and say anything."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(tmp_path_factory.mktemp("nobody")))
        patch.setenv("SHELL", "/bin/sh")
        yield

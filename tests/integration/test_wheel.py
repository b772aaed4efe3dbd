"""The wheel, installed in a clean environment: without the clone, make, npm, or anything else that a clone has."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import venv
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

import mcpool

REPOSITORY = Path(__file__).parents[2]
WHEELS = Path(sys.prefix, "wheels")
"""What the wheel depends on, downloaded beforehand: a test fetches nothing."""

pytestmark = pytest.mark.skipif(not WHEELS.is_dir(), reason=f"{WHEELS} is not there: `make test` fills it")


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The `bin` folder of an environment that holds the wheel, what it depends on, and nothing else."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run(build, cwd=REPOSITORY, check=True, capture_output=True)
    (wheel,) = folder.glob("mcpool-*.whl")
    venv.create(folder / "venv")
    bin_folder = folder / "venv" / "bin"
    without_pip_settings = {name: value for name, value in os.environ.items() if not name.startswith("PIP_")}
    install = [
        *(sys.executable, "-m", "pip", "--python", str(bin_folder / "python"), "install", "--quiet"),
        *("--no-index", "--find-links", str(WHEELS), str(wheel)),
    ]
    subprocess.run(install, env=without_pip_settings | {"PIP_CONFIG_FILE": os.devnull}, check=True)
    return bin_folder


def environment(bin_folder: Path, home: Path) -> dict[str, str]:
    """The clean environment's programs are all that there is to run."""
    return {"PATH": str(bin_folder), "HOME": str(home), "MCPOOL_HOME": str(home / "mcpool")}


def run(bin_folder: Path, command: str, *arguments: str, home: Path) -> str:
    """What a program of the clean environment prints."""
    program = [str(bin_folder / command), *arguments]
    env = environment(bin_folder, home)
    done = subprocess.run(program, cwd=home, env=env, check=False, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@contextmanager
def mcpool_up(bin_folder: Path, home: Path) -> Generator[None]:
    """`mcpool up` in the foreground, ready."""
    with subprocess.Popen(
        [str(bin_folder / "mcpool"), "up", "--port", "0"],
        cwd=home,
        env=environment(bin_folder, home),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        assert process.stdout is not None
        try:
            printed: list[str] = []
            while "Ctrl-C" not in (line := process.stdout.readline()):
                printed.append(line)
                assert line, f"`mcpool up` ended with {process.wait()}:\n{''.join(printed)}"
            yield
        finally:
            process.terminate()
            process.communicate(timeout=60)


def test_the_command_tells_its_version(clean: Path, tmp_path: Path):
    assert run(clean, "mcpool", "--version", home=tmp_path).split()[-1] == mcpool.__version__


def test_every_public_name_can_be_imported(clean: Path, tmp_path: Path):
    code = "import mcpool; print(sum(getattr(mcpool, name) is not None for name in mcpool.__all__))"
    assert run(clean, "python", "-c", code, home=tmp_path) == str(len(mcpool.__all__))


def test_the_package_says_that_it_is_typed(clean: Path, tmp_path: Path):
    code = "from importlib.resources import files; print(files('mcpool').joinpath('py.typed').is_file())"
    assert run(clean, "python", "-c", code, home=tmp_path) == "True"


def test_the_demo_server_answers(clean: Path, tmp_path: Path):
    script = (
        "import subprocess, sys;"
        'line = b\'{"jsonrpc": "2.0", "id": 1, "method": "ping"}\\n\';'
        "print(subprocess.run([sys.executable, '-m', 'mcpool.demo'], input=line, capture_output=True).stdout.decode())"
    )
    assert run(clean, "python", "-c", script, home=tmp_path) == '{"jsonrpc":"2.0","id":1,"result":{}}'


def test_mcpool_up_without_any_configuration_shares_the_demo_server(clean: Path, tmp_path: Path):
    """A3"""
    with mcpool_up(clean, tmp_path):
        answers = [
            json.loads(run(clean, "mcpool", "call", "demo", "counter", '{"add": 1}', "--json", home=tmp_path))
            for _ in range(2)
        ]
    first, second = (answer["structuredContent"] for answer in answers)
    assert (first["value"], second["value"]) == (1, 2)
    assert first["pid"] == second["pid"]

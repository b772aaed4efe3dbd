"""Sign-ins in the keyring of the system, through the `keyring` package, which is given one that is a file."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from mcpool.oauth.grant import Grant, Place
from mcpool.oauth.store import GrantStore
from support.mcpool_home import TIMEOUT, McpoolHome

PLACE = Place("http://127.0.0.1:9/mcp", "")

_BACKEND = """\
import json, os, time
from keyring.backend import KeyringBackend
from keyring.errors import KeyringLocked

class Keyring(KeyringBackend):
    priority = 1

    def _path(self):
        path = os.environ["KEYRING_FILE"]
        if os.path.exists(path + ".hangs"):
            time.sleep(3600)
        if os.path.exists(path + ".locked"):
            raise KeyringLocked("Failed to unlock the collection!")
        return path

    def _all(self):
        path = self._path()
        return json.load(open(path)) if os.path.exists(path) else {}

    def get_password(self, service, name):
        return self._all().get(service + "/" + name)

    def set_password(self, service, name, value):
        json.dump(self._all() | {service + "/" + name: value}, open(self._path(), "w"))

    def delete_password(self, service, name):
        entries = self._all()
        del entries[service + "/" + name]
        json.dump(entries, open(self._path(), "w"))
"""

_READS = """
import asyncio, pathlib, sys
from mcpool.oauth.grant import Place
from mcpool.oauth.store import GrantStore

store = GrantStore(pathlib.Path(sys.argv[1]), patience=0.1)
print(asyncio.run(store.read(Place("http://127.0.0.1:9/mcp", ""))).grant.issuer)
"""


@pytest.fixture
def keyring(tmp_path: Path) -> Path:
    (tmp_path / "file_keyring.py").write_text(_BACKEND)
    return tmp_path / "keyring.json"


@pytest.fixture
def mcpool(home: Path, keyring: Path) -> Iterator[McpoolHome]:
    with closing(McpoolHome(home, config=f'[mcp_servers.web]\nurl = "{PLACE.url}"\n')) as mcpool:
        mcpool.environ |= {
            "PYTHON_KEYRING_BACKEND": "file_keyring.Keyring",
            "PYTHONPATH": str(keyring.parent),
            "KEYRING_FILE": str(keyring),
        }
        yield mcpool


def grant(issuer: str) -> Grant:
    return Grant(
        url=PLACE.url, issuer=issuer, client={"client_id": "c"}, access_token="acc3ss", refresh_token="r3fresh"
    )


def sign_in(home: Path, issuer: str) -> None:
    """As a process without a keyring does it, over SSH for example."""
    asyncio.run(GrantStore(home, "file").write(PLACE, grant(issuer)))


def into_keyring(home: Path, keyring: Path, issuer: str) -> None:
    sign_in(home, issuer)
    (file,) = (home / "oauth").glob("*.json")
    keyring.write_text(json.dumps({f"mcpool/oauth:{file.stem}": file.read_text()}))
    file.unlink()


def test_a_sign_in_in_the_keyring_is_found(mcpool: McpoolHome, keyring: Path) -> None:
    into_keyring(mcpool.path, keyring, "https://first.example")
    assert "https://first.example" in mcpool.run("auth", "list").stdout


def test_a_newer_file_counts_before_the_keyring(mcpool: McpoolHome, keyring: Path) -> None:
    into_keyring(mcpool.path, keyring, "https://first.example")
    sign_in(mcpool.path, "https://second.example")
    assert "https://second.example" in mcpool.run("auth", "list").stdout


def test_signing_out_while_the_keyring_is_locked_lasts(mcpool: McpoolHome, keyring: Path) -> None:
    into_keyring(mcpool.path, keyring, "https://first.example")
    lock = keyring.with_name(f"{keyring.name}.locked")
    lock.touch()
    out = mcpool.run("auth", "logout", "web")
    assert out.returncode == 0
    assert "what could not be read no longer counts, but is not revoked" in out.stdout
    assert "Failed to unlock the collection" in out.stdout
    lock.unlink()
    assert "not signed in" in mcpool.run("auth", "list").stdout


def test_a_locked_keyring_is_told_by_the_list(mcpool: McpoolHome, keyring: Path) -> None:
    into_keyring(mcpool.path, keyring, "https://first.example")
    keyring.with_name(f"{keyring.name}.locked").touch()
    listed = mcpool.run("auth", "list").stdout
    assert "cannot be read" in listed
    assert "Failed to unlock the collection!; unlock or install a keyring" in listed


def test_signing_out_takes_the_copy_out_of_the_keyring(mcpool: McpoolHome, keyring: Path) -> None:
    into_keyring(mcpool.path, keyring, "https://first.example")
    assert "signed out of `web`" in mcpool.run("auth", "logout", "web").stdout
    assert json.loads(keyring.read_text()) == {}


def test_a_keyring_that_hangs_lets_no_program_hang(mcpool: McpoolHome, keyring: Path) -> None:
    """Neither when it asks nor when it ends."""
    sign_in(mcpool.path, "https://second.example")
    keyring.with_name(f"{keyring.name}.hangs").touch()
    program = [sys.executable, "-c", _READS, str(mcpool.path)]
    done = subprocess.run(program, env=mcpool.environ, capture_output=True, text=True, timeout=TIMEOUT, check=False)
    assert (done.stdout, done.stderr) == ("https://second.example\n", "")

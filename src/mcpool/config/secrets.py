"""The system's keyring. The `keyring` package is imported when it is first needed, not before."""

from __future__ import annotations

from typing import Any

from mcpool.config.expand import SecretsError
from mcpool.config.own_thread import OwnThread

SERVICE = "mcpool"
"""The service under which mcpool's secrets are kept."""

PATIENCE = 10.0
"""Seconds that the keyring has to answer."""


class NoKeyring(SecretsError):
    """This machine has none, or no program to reach it with. One that is there and locked is another matter."""


def keyring_secret(name: str) -> str | None:
    """The secret of that name, or None if the keyring has none.

    Raises:
        NoKeyring: the `keyring` package or a keyring of the system is missing.
        SecretsError: it could not be used: it is locked, for example.
    """
    keyring = _keyring()
    try:
        value: str | None = keyring.get_password(SERVICE, name)
    except Exception as error:  # each backend of keyring raises its own kinds
        raise _refused(error) from error
    return value


def store_keyring_secret(name: str, value: str) -> None:
    """Store a secret, so that `${keyring:NAME}` stands for it.

    Raises:
        SecretsError: as for `keyring_secret`.
    """
    keyring = _keyring()
    try:
        keyring.set_password(SERVICE, name, value)
    except Exception as error:  # each backend of keyring raises its own kinds
        raise _refused(error) from error


def delete_keyring_secret(name: str) -> bool:
    """Forget a secret; False if the keyring has none of that name.

    Raises:
        SecretsError: as for `keyring_secret`.
    """
    keyring = _keyring()
    try:
        if keyring.get_password(SERVICE, name) is None:
            return False
        keyring.delete_password(SERVICE, name)
    except Exception as error:  # each backend of keyring raises its own kinds
        raise _refused(error) from error
    return True


class PatientKeyring:
    """The system's keyring for who must not wait for ever: one that is locked may hang until somebody unlocks it."""

    def __init__(self, patience: float = PATIENCE) -> None:
        """`patience` is in seconds."""
        self._patience = patience
        self._thread = OwnThread("mcpool-keyring", patience)

    def secret(self, name: str) -> str | None:
        """As `keyring_secret`. Blocks for as long as its patience, and not at all while an earlier read still hangs.

        Raises:
            SecretsError: as for `keyring_secret`, and if there is no answer in time.
        """
        try:
            return self._thread.wait(lambda: keyring_secret(name))
        except TimeoutError as error:
            raise SecretsError(
                f"the system's keyring did not answer within {self._patience:g} s",
                "unlock it (it may be asking for its password), then run `mcpool apply`, or start again; "
                "or use an environment variable: `${VAR}`",
            ) from error


def _keyring() -> Any:
    try:
        import keyring
    except ImportError as error:
        msg = "the `keyring` package is not installed"
        raise NoKeyring(msg, "install it: `pip install 'mcpool[keyring]'`") from error
    return keyring


def _refused(error: Exception) -> SecretsError:
    from keyring.errors import NoKeyringError

    reason = str(error).strip().splitlines()
    kind = NoKeyring if isinstance(error, NoKeyringError) else SecretsError
    return kind(
        f"the system's keyring could not be used: {reason[0] if reason else type(error).__name__}",
        "unlock or install a keyring, or use an environment variable: `${VAR}`",
    )

"""The system's keyring. The `keyring` package is imported when it is first needed, not before."""

from __future__ import annotations

from typing import Any

from mcpool.config.expand import SecretsError

SERVICE = "mcpool"
"""The service under which mcpool's secrets are kept."""


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


def keyring_works() -> bool:
    """Whether there is a keyring that can be used now."""
    try:
        keyring_secret("works")
    except SecretsError:
        return False
    return True


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

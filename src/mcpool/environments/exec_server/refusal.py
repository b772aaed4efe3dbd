"""Errors as this protocol writes them."""

from __future__ import annotations

import errno
import os

from mcpool.environments.protocol import INTERNAL_ERROR, INVALID_REQUEST, NOT_FOUND

_CALLERS = (errno.EACCES, errno.EPERM, errno.EINVAL, errno.EFBIG, errno.EISDIR, errno.ENOTDIR, errno.ELOOP)


class Refusal(Exception):
    """A request that is answered with an error."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def refusal_of(error: OSError) -> Refusal:
    """What the system said, with its number, by which the other side knows it."""
    number = error.errno or errno.EIO
    said = f"{error.strerror or os.strerror(number)} (os error {number})"
    code = NOT_FOUND if number == errno.ENOENT else INVALID_REQUEST if number in _CALLERS else INTERNAL_ERROR
    return Refusal(code, said)

"""What a user is told when the system refuses a file of the home, or anything else."""

from __future__ import annotations

import errno
import os

from mcpool.rendezvous import home_path

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


def os_error_sentence(error: OSError) -> str:
    """What could not be used, why, and what to do about it."""
    home = home_path(os.environ)
    reason = (error.strerror or str(error)).lower()
    what = str(error.filename or f"a file in {home}")
    if error.errno in _FULL:
        remedy = f"make room on the disk of {home}"
    else:
        remedy = f"{home} and all in it must be yours to read and write"
        if error.filename:
            remedy += f"; move {what} away if it is not mcpool's"
    return f"{what} can't be used: {reason}; {remedy}"

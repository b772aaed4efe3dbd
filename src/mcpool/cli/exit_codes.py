"""What the exit codes of `mcpool` mean. They are part of its interface; see docs/cli.md."""

OK = 0
FAILED = 1
"""The tool ran and reported an error, or the server answered with one."""
USAGE = 2
"""The command line or the configuration is wrong; nothing was run."""
UNAVAILABLE = 3
"""The daemon or the server could not be started or reached; nothing was run."""
OUTCOME_UNKNOWN = 4
"""The connection was lost after the request was sent: it may or may not have run."""
TIMEOUT = 5
"""No answer within the time allowed; it may have run."""
NOT_APPROVED = 6
"""The call needs an approval that was not given; nothing was run."""
INTERRUPTED = 130
"""Ended by Ctrl-C."""

"""What the user wrote: our file, other hosts' files, dicts; all of it checked, none of it fatal."""

from mcpool.config.load import check, load
from mcpool.config.model import Config, DaemonConfig
from mcpool.config.problem import Problem

__all__ = ["Config", "DaemonConfig", "Problem", "check", "load"]

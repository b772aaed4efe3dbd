"""`python -m mcpool` is `mcpool`."""

import sys

from mcpool.cli import main

if __name__ == "__main__":
    sys.exit(main())

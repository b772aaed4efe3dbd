"""`python -m mcpool.cli` is `mcpool`."""

import sys

from mcpool.cli import main

sys.exit(main())

"""`python -m labmtj` is the command line."""

import sys

from labmtj.cli import main

sys.exit(main())

"""python -m src.run: one measured run, or many with -m."""

import sys

from joulemark.cli.run import main

if __name__ == "__main__":
    sys.exit(main())

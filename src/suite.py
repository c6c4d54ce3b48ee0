"""python -m src.suite: a grid of runs that skips what is measured."""

import sys

from joulemark.cli.suite import main

if __name__ == "__main__":
    sys.exit(main())

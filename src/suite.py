"""python -m src.suite: a grid of runs; finished ones are skipped."""

import sys

from joulemark.cli.suite import main

if __name__ == "__main__":
    sys.exit(main())

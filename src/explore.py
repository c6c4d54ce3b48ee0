"""python -m src.explore: every run and every result of other programs on one page, to look around in."""

import sys

from joulemark.cli.explore import main

if __name__ == "__main__":
    sys.exit(main())

"""python -m src.explore: every run and every result of other programs on one page, to filter, sort, brush and colour."""

import sys

from joulemark.cli.explore import main

if __name__ == "__main__":
    sys.exit(main())

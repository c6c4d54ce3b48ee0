"""python -m src.relocate: a store that moved finds its files again."""

import sys

from joulemark.cli.relocate import main

if __name__ == "__main__":
    sys.exit(main())

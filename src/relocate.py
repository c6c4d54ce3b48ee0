"""python -m src.relocate: repairs the paths of a store that was moved."""

import sys

from joulemark.cli.relocate import main

if __name__ == "__main__":
    sys.exit(main())

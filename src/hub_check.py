"""python -m src.hub_check: what of conf/ works with the Hub of today."""

import sys

from joulemark.cli.hub_check import main

if __name__ == "__main__":
    sys.exit(main())

"""python -m src.hub_check: every model and dataset of conf/ against the Hub."""

import sys

from joulemark.cli.hub_check import main

if __name__ == "__main__":
    sys.exit(main())

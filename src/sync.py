"""python -m src.sync: tells the store what waits on this machine."""

import sys

from joulemark.cli.sync import main

if __name__ == "__main__":
    sys.exit(main())

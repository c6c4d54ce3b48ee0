"""python -m src.calibrate: what this device pays for a FLOP and for a byte."""

import sys

from joulemark.cli.calibrate import main

if __name__ == "__main__":
    sys.exit(main())

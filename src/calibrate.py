"""python -m src.calibrate: this device's energy per FLOP and per byte, for the lower bound."""

import sys

from joulemark.cli.calibrate import main

if __name__ == "__main__":
    sys.exit(main())

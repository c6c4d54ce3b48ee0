"""python -m src.recorder: writes a record that could not be written at the time."""

import sys

from joulemark.cli.recorder import main

if __name__ == "__main__":
    sys.exit(main())

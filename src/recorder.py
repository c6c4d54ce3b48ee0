"""python -m src.recorder: writes a record that was set aside."""

import sys

from joulemark.cli.recorder import main

if __name__ == "__main__":
    sys.exit(main())

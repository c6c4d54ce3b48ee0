"""python -m src.compare: which of two runs costs less energy, or neither."""

import sys

from joulemark.cli.compare import main

if __name__ == "__main__":
    sys.exit(main())

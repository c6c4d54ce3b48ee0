"""python -m src.rescore: another site over past runs."""

import sys

from joulemark.cli.rescore import main

if __name__ == "__main__":
    sys.exit(main())

"""python -m src.rescore: emissions of past runs for another site."""

import sys

from joulemark.cli.rescore import main

if __name__ == "__main__":
    sys.exit(main())

"""python -m src.report: all runs on one page that recommends a model and its settings."""

import sys

from joulemark.cli.report import main

if __name__ == "__main__":
    sys.exit(main())

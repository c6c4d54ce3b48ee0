"""python -m src.report: all runs -> one page that says which model to run."""

import sys

from joulemark.cli.report import main

if __name__ == "__main__":
    sys.exit(main())

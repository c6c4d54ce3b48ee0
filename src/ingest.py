"""python -m src.ingest: results of other programs as runs."""

import sys

from joulemark.cli.ingest import main

if __name__ == "__main__":
    sys.exit(main())

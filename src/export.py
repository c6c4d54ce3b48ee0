"""python -m src.export: measured runs as a report, a table or a statement in the formats of others."""

import sys

from joulemark.cli.export import main

if __name__ == "__main__":
    sys.exit(main())

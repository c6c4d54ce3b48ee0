"""python -m src.views: the default table of each task in MLflow."""

import sys

from joulemark.cli.views import main

if __name__ == "__main__":
    sys.exit(main())

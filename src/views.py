"""python -m src.views: saved views in MLflow."""

import sys

from joulemark.cli.views import main

if __name__ == "__main__":
    sys.exit(main())
